-- What the lake holds: traces and tokens by recipe, domain, teacher and difficulty band, and how much
-- of it is eligible.
--   band is that of the item for the trace's recipe and teacher, null where it has not been judged;
--   tokens are those of the thought, in the teacher's tokens.
SELECT
    o.recipe,
    o.domain,
    o.teacher,
    d.band,
    count(*) AS traces,
    sum(o.thinking_tokens)::BIGINT AS tokens,
    count(*) FILTER (x.trace_id IS NULL) AS eligible_traces,
    coalesce(sum(o.thinking_tokens) FILTER (x.trace_id IS NULL), 0)::BIGINT AS eligible_tokens,
    count(DISTINCT o.item_id) AS items
FROM thoughts AS o
JOIN traces AS t ON t.trace_id = o.trace_id
LEFT JOIN difficulty AS d
    ON d.item_id = t.item_id
    AND d.recipe_fingerprint = t.provenance.recipe_fingerprint
    AND d.teacher_fingerprint = t.provenance.teacher_fingerprint
LEFT JOIN (SELECT DISTINCT trace_id FROM exclusions_in_force) AS x ON x.trace_id = o.trace_id
GROUP BY ALL
ORDER BY tokens DESC, o.recipe, o.domain, o.teacher, d.band

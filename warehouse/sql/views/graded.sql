-- One row a judged trace, on its category's scale: what pass rates are counted from.
--   A sample that its token limit cut off has failed, whatever its answer looks like.
--   score is the grade times the category's scale (0-1, or 0-5 for science); null where undecided.
SELECT
    t.trace_id,
    t.item_id,
    t.draw,
    t.parent_trace_id,
    k.category,
    t.provenance.recipe AS recipe,
    t.provenance.recipe_fingerprint AS recipe_fingerprint,
    t.provenance.teacher AS teacher,
    t.provenance.teacher_fingerprint AS teacher_fingerprint,
    t.provenance.sampling AS sampling,
    j.outcome,
    CASE WHEN t.finish_reason = 'length' THEN 0 ELSE j.grade * c.scale END AS score,
    t.finish_reason <> 'length' AND coalesce(j.grade * c.scale > c.pass_score, false) AS passed
FROM judged AS j
JOIN traces AS t USING (trace_id)
JOIN item_categories AS k USING (item_id)
JOIN categories AS c ON c.category = k.category

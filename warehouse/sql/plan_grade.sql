-- The items of a lane that are to be graded, one row an item, with what its draws have come to.
--   done holds each draw below $k by number, with its outcome: correct, incorrect or undecided, the
--   last also for a trace without a verdict (counted in unjudged).  A draw that was dropped counts as
--   $drops_count_as, or as undecided for a reason among $failures.  Items whose counts are among
--   $settled (passes/fails/undecided) are left out.
-- {where} is the run's own predicate over items; all values are bound.
WITH wanted AS (
    SELECT i.*
    FROM items AS i
    WHERE ($sources IS NULL OR i.item_id IN (
              SELECT s.item_id FROM item_sources AS s WHERE list_contains($sources, s.source)
          ))
      AND ({where})
),
chosen AS (
    SELECT w.*
    FROM wanted AS w
    WHERE $max_items IS NULL
       OR w.item_id IN (SELECT item_id FROM wanted ORDER BY item_id LIMIT $max_items)
),
traced AS (
    SELECT
        t.item_id,
        t.draw,
        -- Cut off by its token limit is failed, as in the view `graded`.
        CASE WHEN t.finish_reason = 'length' THEN 'incorrect' ELSE coalesce(j.outcome, 'undecided') END
            AS outcome,
        j.outcome IS NULL AS unjudged,
        t.provenance.completion_tokens AS tokens
    FROM traces AS t
    LEFT JOIN judged AS j USING (trace_id)
    WHERE t.provenance.recipe_fingerprint = $recipe
      AND t.provenance.teacher_fingerprint = $teacher
      AND t.parent_trace_id IS NULL
      AND t.draw < $k
),
dropped AS (
    SELECT
        item_id,
        draw,
        CASE WHEN list_contains($failures, reason) THEN 'undecided' ELSE $drops_count_as END
            AS outcome,
        false AS unjudged,
        completion_tokens AS tokens
    FROM (
        -- A draw that was done again has its newest word in a trace, or in the newest run's drop.
        SELECT item_id, draw, reason, completion_tokens
        FROM drops
        LEFT JOIN (SELECT run_id, max(commit_no) AS landed FROM shards GROUP BY run_id)
            USING (run_id)
        WHERE recipe_fingerprint = $recipe
          AND teacher_fingerprint = $teacher
          AND draw < $k
          AND (item_id, draw) NOT IN (SELECT (item_id, draw) FROM traced)
        QUALIFY row_number() OVER (
            PARTITION BY item_id, draw ORDER BY landed DESC NULLS LAST, reason
        ) = 1
    )
    WHERE NOT list_contains($redo, reason)
),
drawn AS (
    SELECT
        item_id,
        list({'draw': draw, 'outcome': outcome} ORDER BY draw) AS done,
        count(*) FILTER (outcome = 'correct') AS passes,
        count(*) FILTER (outcome = 'incorrect') AS fails,
        count(*) FILTER (outcome = 'undecided') AS undecided,
        count(*) FILTER (unjudged) AS unjudged,
        sum(tokens)::BIGINT AS tokens
    FROM (FROM traced UNION ALL FROM dropped)
    GROUP BY item_id
)
SELECT
    row_number() OVER () - 1 AS slot,
    coalesce(d.passes, 0) AS passes,
    coalesce(d.fails, 0) AS fails,
    coalesce(d.undecided, 0) AS undecided,
    coalesce(d.unjudged, 0) AS unjudged,
    coalesce(d.tokens, 0) AS tokens,
    coalesce(d.done, []::STRUCT(draw INTEGER, outcome VARCHAR)[]) AS done,
    c.*
FROM chosen AS c
LEFT JOIN drawn AS d USING (item_id)
WHERE NOT list_contains(
    $settled, coalesce(d.passes, 0) || '/' || coalesce(d.fails, 0) || '/' || coalesce(d.undecided, 0)
)

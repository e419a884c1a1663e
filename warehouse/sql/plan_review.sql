-- Traces that a review has not been through yet: one row a trace, with its item and what verdicts,
-- scores and labels it has already, so that nothing is said twice.
-- {where} is the run's own predicate over the columns of `thoughts`; all values are bound.
-- Segments are those of the view `public_texts`: what was thought in private is neither scored nor read.
WITH pending AS (
    SELECT t
    FROM (
        SELECT t.* REPLACE (p.segments AS segments)
        FROM traces AS t
        JOIN (SELECT trace_id, segments FROM public_texts) AS p USING (trace_id)
    ) AS t
    WHERE t.trace_id IN (SELECT trace_id FROM thoughts WHERE {where})
      AND NOT EXISTS (
          SELECT 1 FROM reviewed AS r WHERE r.trace_id = t.trace_id AND r.review = $review
      )
),
told AS (
    SELECT trace_id, list(v) AS verdicts
    FROM verdicts AS v
    WHERE trace_id IN (SELECT t.trace_id FROM pending)
    GROUP BY trace_id
),
scored AS (
    SELECT trace_id, list(DISTINCT scorer) AS scorers
    FROM scores
    WHERE trace_id IN (SELECT t.trace_id FROM pending)
    GROUP BY trace_id
),
labelled AS (
    SELECT trace_id, list(DISTINCT labeller) AS labellers
    FROM labels
    WHERE trace_id IN (SELECT t.trace_id FROM pending)
    GROUP BY trace_id
)
SELECT
    row_number() OVER () - 1 AS slot,
    p.t AS trace,
    i AS item,
    coalesce(told.verdicts, []) AS verdicts,
    coalesce(scored.scorers, []) AS scorers,
    coalesce(labelled.labellers, []) AS labellers
FROM pending AS p
JOIN items AS i ON i.item_id = p.t.item_id
LEFT JOIN told ON told.trace_id = p.t.trace_id
LEFT JOIN scored ON scored.trace_id = p.t.trace_id
LEFT JOIN labelled ON labelled.trace_id = p.t.trace_id

-- A few traces of every (recipe, domain, outcome), the groups taken in turn.
WITH grouped AS (
    SELECT
        t.recipe,
        coalesce(i.domain, i.source) AS domain,
        coalesce(o.outcome, 'unjudged') AS outcome,
        arg_min(t.trace_id, hash(t.trace_id), $most) AS ids
    FROM asked_traces AS t
    LEFT JOIN lake.items AS i USING (item_id)
    LEFT JOIN asked_outcomes AS o USING (trace_id)
    GROUP BY ALL
),
turns AS (
    SELECT recipe, domain, outcome, unnest(ids) AS trace_id, unnest(range(len(ids))) AS turn
    FROM grouped
)
SELECT trace_id, outcome
FROM turns
ORDER BY turn, recipe, domain, outcome
LIMIT $most

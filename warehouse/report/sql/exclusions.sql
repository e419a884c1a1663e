-- Objections by screen and reason.  `only` counts the traces that no other screen objects to.
WITH objections AS (
    SELECT DISTINCT e.trace_id, e.screen, e.reason
    FROM asked_objections AS e
    JOIN asked_traces AS t USING (trace_id)
),
screens AS (
    SELECT trace_id, count(DISTINCT screen) AS screens FROM objections GROUP BY trace_id
)
SELECT
    o.screen,
    o.reason,
    count(DISTINCT o.trace_id) AS traces,
    count(DISTINCT o.trace_id) FILTER (WHERE s.screens = 1) AS only
FROM objections AS o
JOIN screens AS s USING (trace_id)
GROUP BY ALL
ORDER BY traces DESC, 1, 2

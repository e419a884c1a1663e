-- What each screen excluded and why, with one example of each.
--   alone: traces that no other screen in force objects to; in_force: whether it counts now.
WITH objections AS (
    SELECT trace_id, count(DISTINCT screen) AS screens FROM exclusions_in_force GROUP BY ALL
)
SELECT
    e.screen,
    e.reason,
    count(DISTINCT e.trace_id) AS traces,
    count(DISTINCT e.trace_id) FILTER (o.screens = 1 AND f.screen IS NOT NULL) AS alone,
    coalesce(bool_or(f.screen IS NOT NULL), false) AS in_force,
    min(e.detail) AS example
FROM exclusions AS e
LEFT JOIN (SELECT DISTINCT screen FROM exclusions_in_force) AS f USING (screen)
LEFT JOIN objections AS o ON o.trace_id = e.trace_id
GROUP BY ALL
ORDER BY in_force DESC, traces DESC, e.screen, e.reason

-- Pairs of screens in force and the traces that both exclude; shares are of each screen's own traces.
WITH held AS (
    SELECT DISTINCT screen, trace_id FROM exclusions_in_force
),
sizes AS (
    SELECT screen, count(*) AS traces FROM held GROUP BY ALL
),
pairs AS (
    SELECT a.screen AS screen, b.screen AS other, count(*) AS shared
    FROM held AS a
    JOIN held AS b ON b.trace_id = a.trace_id AND a.screen < b.screen
    GROUP BY ALL
)
SELECT
    s.screen,
    s.other,
    s.shared,
    round(s.shared / a.traces, 3) AS share_of_screen,
    round(s.shared / b.traces, 3) AS share_of_other
FROM pairs AS s
JOIN sizes AS a ON a.screen = s.screen
JOIN sizes AS b ON b.screen = s.other
ORDER BY s.shared DESC, s.screen, s.other

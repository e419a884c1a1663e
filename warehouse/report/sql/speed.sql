-- Tokens written in each of $stretches equal stretches of working time.  Runs lie end to end: the
-- time between them is left out.  A trace's tokens are spread evenly over its draw, so what is
-- written by time x is sum(rate * (x - begin)) over the draws begun by x, less
-- sum(rate * (x - end)) over those ended by x: two sums a stretch, and each row is looked at once.
WITH extents AS (
    SELECT
        run_id,
        min(started_at) AS first,
        max(started_at + greatest(seconds, 0.001)) - min(started_at) AS seconds
    FROM asked_traces
    GROUP BY run_id
),
laid AS (
    SELECT
        run_id,
        first,
        sum(seconds) OVER (ORDER BY first, run_id) - seconds AS before,
        sum(seconds) OVER () / $stretches AS step
    FROM extents
),
draws AS (
    SELECT
        l.step,
        t.completion_tokens / greatest(t.seconds, 0.001) AS rate,
        t.started_at - l.first + l.before AS begins,
        begins + greatest(t.seconds, 0.001) AS ends
    FROM asked_traces AS t
    JOIN laid AS l USING (run_id)
),
turns AS (
    SELECT
        least(floor(begins / step), $stretches - 1)::INTEGER AS stretch,
        rate AS rate,
        rate * begins AS moment
    FROM draws
    UNION ALL
    SELECT
        least(floor(ends / step), $stretches - 1)::INTEGER AS stretch,
        -rate AS rate,
        -rate * ends AS moment
    FROM draws
),
summed AS (
    SELECT stretch, sum(rate) AS rate, sum(moment) AS moment FROM turns GROUP BY stretch
),
written AS (
    SELECT
        e.stretch,
        any_value(step) AS step,
        any_value(step) * (e.stretch + 1) * coalesce(sum(s.rate), 0) - coalesce(sum(s.moment), 0)
            AS tokens
    FROM range($stretches) AS e (stretch)
    LEFT JOIN summed AS s ON s.stretch <= e.stretch
    CROSS JOIN (SELECT any_value(step) AS step FROM laid)
    GROUP BY e.stretch
)
SELECT step, greatest(tokens - lag(tokens, 1, 0) OVER (ORDER BY stretch), 0) AS tokens
FROM written
WHERE step IS NOT NULL
ORDER BY stretch

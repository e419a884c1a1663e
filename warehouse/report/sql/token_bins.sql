-- Traces by length and outcome; bin n covers `width` tokens from first + n * width, and the last
-- bin all that is longer.
SELECT
    least((t.completion_tokens - $first) // $width, $last) AS bin,
    coalesce(o.outcome, 'unjudged') AS outcome,
    count(*) AS traces
FROM asked_traces AS t
LEFT JOIN asked_outcomes AS o USING (trace_id)
GROUP BY ALL

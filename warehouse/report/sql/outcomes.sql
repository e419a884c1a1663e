-- Traces by outcome; `unjudged` where no verifier has looked.
SELECT coalesce(o.outcome, 'unjudged') AS outcome, count(*) AS traces
FROM {traces} AS t
LEFT JOIN asked_outcomes AS o USING (trace_id)
GROUP BY ALL

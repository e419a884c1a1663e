-- Drops by reason, the most frequent first, with an example of each.
SELECT stage, reason, count(*) AS drops, coalesce(arg_min(detail, hash(trace_id)), '') AS example
FROM asked_drops
GROUP BY ALL
ORDER BY drops DESC, stage, reason

-- What was dropped, where and why, with one example of each.
SELECT
    run_id,
    stage,
    reason,
    count(*) AS drops,
    sum(completion_tokens)::BIGINT AS completion_tokens,
    any_value(detail) AS example
FROM drops
GROUP BY ALL
ORDER BY drops DESC

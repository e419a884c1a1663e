-- How the lengths of traces are spread, in completion tokens.
SELECT
    count(*) AS traces,
    coalesce(min(completion_tokens), 0) AS least,
    coalesce(max(completion_tokens), 0) AS most,
    coalesce(avg(completion_tokens), 0) AS mean,
    coalesce(quantile_cont(completion_tokens, [0.5, 0.9, 0.99]), [0, 0, 0]) AS quantiles,
    coalesce(sum(completion_tokens), 0)::BIGINT AS total
FROM asked_traces

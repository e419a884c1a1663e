-- How long the teacher thinks, by domain: hard material draws longer thoughts, an automatic
-- up-sampling (TPT, arXiv 2509.20186, analysis of thinking length).
SELECT
    recipe,
    teacher,
    kind,
    domain,
    count(*) AS traces,
    round(avg(thinking_tokens), 1) AS mean_tokens,
    quantile_cont(thinking_tokens, 0.5) AS median_tokens,
    max(thinking_tokens) AS max_tokens
FROM thoughts
GROUP BY ALL
ORDER BY mean_tokens DESC

-- What traces cost, by run, recipe and teacher.  Tokens of dropped draws are in run_report.
SELECT
    provenance.run_id AS run_id,
    provenance.recipe AS recipe,
    provenance.teacher AS teacher,
    count(*) AS traces,
    sum(provenance.requests)::BIGINT AS requests,
    sum(provenance.prompt_tokens)::BIGINT AS prompt_tokens,
    sum(provenance.completion_tokens)::BIGINT AS completion_tokens,
    round(sum(provenance.completion_tokens) / count(*), 1) AS tokens_per_trace
FROM traces
GROUP BY ALL
ORDER BY run_id

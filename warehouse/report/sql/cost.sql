-- Tokens and requests by recipe and teacher, of the draws that became traces.
SELECT
    recipe,
    teacher,
    count(*) AS traces,
    sum(requests)::BIGINT AS requests,
    sum(prompt_tokens)::BIGINT AS prompt_tokens,
    sum(completion_tokens)::BIGINT AS completion_tokens
FROM asked_traces
GROUP BY ALL
ORDER BY completion_tokens DESC, 1, 2

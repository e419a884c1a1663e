-- A problem a row, for reinforcement learning with a verifier: prompt, reference and pass rate.
--   An item stands where its first drawn trace stands; pass_rate and draws are those of its recipe and
--   teacher.
WITH firsts AS (
    SELECT min(c.position) AS position, arg_min(c.trace_id, c.position) AS trace_id
    FROM chosen AS c
    JOIN traces AS t USING (trace_id)
    GROUP BY t.item_id
),
said AS (
{conversation}
)
SELECT
    list_transform(said.messages[:-2], lambda m: {message}) AS prompt,
    said.reference,
    s.pass_rate,
    s.draws,
    s.band,
    s.category,
    said.domain,
    said.source AS data_source,
    coalesce(said.domain, '') AS ability,
    {'style': 'rule', 'ground_truth': said.reference} AS reward_model,
    {'index': said.position, 'item_id': said.item_id, 'teacher': said.teacher} AS extra_info,
    said.item_id
FROM said
JOIN (
    SELECT trace_id, pass_rate, draws, band, category
    FROM samples SEMI JOIN firsts USING (trace_id)
) AS s USING (trace_id)
ORDER BY said.position

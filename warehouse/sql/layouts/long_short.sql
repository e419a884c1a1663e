-- A long and a short way to say the same: each drawn trace beside the shortest correct trace of its
-- item, where that is short enough.
WITH asked AS (
    SELECT c.position, c.trace_id, s.item_id, s.thinking_tokens
    FROM (SELECT min(position) AS position, trace_id FROM chosen GROUP BY trace_id) AS c
    JOIN (SELECT trace_id, item_id, thinking_tokens FROM candidates) AS s USING (trace_id)
),
shortest AS (
    SELECT item_id, min({'tokens': thinking_tokens, 'trace_id': trace_id}) AS best
    FROM samples
    WHERE outcome = 'correct' AND item_id IN (SELECT item_id FROM asked)
    GROUP BY item_id
),
pairs AS (
    SELECT a.position, a.trace_id, s.best.trace_id AS short_id
    FROM asked AS a
    JOIN shortest AS s USING (item_id)
    WHERE s.best.tokens <= $ratio * a.thinking_tokens AND s.best.trace_id <> a.trace_id
),
said AS (
{conversation}
),
brief AS (
{conversation of short}
)
SELECT
    list_transform(said.messages[:-2], lambda m: {message}) AS prompt,
    list_transform(said.messages[-1:], lambda m: {message}) AS long,
    list_transform(brief.messages[-1:], lambda m: {message}) AS short,
    said.thinking_tokens AS long_tokens,
    brief.thinking_tokens AS short_tokens,
    said.reference,
    said.domain,
    said.source,
    said.item_id,
    said.trace_id AS long_id,
    brief.trace_id AS short_id
FROM said
JOIN brief USING (position)
ORDER BY said.position

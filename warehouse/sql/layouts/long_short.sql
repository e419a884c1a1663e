-- A long and a short way to say the same: each drawn, accepted trace beside the shortest accepted one
-- of its item that was drawn, where that is short enough and says something else.
WITH asked AS (
    SELECT
        c.position,
        s.trace_id,
        s.item_id,
        s.thinking_tokens,
        (CASE WHEN $same_teacher THEN s.teacher_fingerprint ELSE '' END)
        || '/' || (CASE WHEN $same_recipe THEN s.recipe_fingerprint ELSE '' END) AS side,
        trim(coalesce(s.body, '')) || chr(0) || trim(coalesce(s.reply, s.answer, '')) AS said
    FROM (SELECT min(position) AS position, trace_id FROM chosen GROUP BY trace_id) AS c
    JOIN (
        SELECT
            trace_id, item_id, thinking_tokens, teacher_fingerprint, recipe_fingerprint, body,
            reply, answer
        FROM samples
        WHERE claim = 'answers' AND accepted AND trim(coalesce(reply, answer, '')) <> ''
    ) AS s USING (trace_id)
),
shortest AS (
    SELECT
        item_id, side, min({'tokens': thinking_tokens, 'trace_id': trace_id, 'said': md5(said)}) AS best
    FROM asked
    GROUP BY item_id, side
),
pairs AS (
    SELECT a.position, a.trace_id, s.best.trace_id AS short_id
    FROM asked AS a
    JOIN shortest AS s USING (item_id, side)
    WHERE s.best.tokens <= $ratio * a.thinking_tokens
      AND s.best.trace_id <> a.trace_id
      AND s.best.said <> md5(a.said)
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

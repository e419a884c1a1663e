-- Pairs of a right and a wrong trace of one item; each trace is in one pair at most.
--   The right ones are those drawn and found correct, in the order of the draw; the wrong ones are any
--   eligible traces found incorrect, in an order given by a hash of their ids.
WITH kept AS (
    SELECT c.position, c.trace_id, s.item_id, CASE WHEN $same_teacher THEN s.teacher ELSE '' END AS side
    FROM (SELECT min(position) AS position, trace_id FROM chosen GROUP BY trace_id) AS c
    JOIN (SELECT trace_id, item_id, teacher FROM samples WHERE outcome = 'correct') AS s
        USING (trace_id)
),
good AS (
    SELECT *, row_number() OVER (PARTITION BY item_id, side ORDER BY position) AS place
    FROM kept
),
bad AS (
    SELECT
        trace_id,
        item_id,
        CASE WHEN $same_teacher THEN teacher ELSE '' END AS side,
        row_number() OVER (
            PARTITION BY item_id, CASE WHEN $same_teacher THEN teacher ELSE '' END
            ORDER BY md5(trace_id)
        ) AS place
    FROM samples
    WHERE outcome = 'incorrect' AND item_id IN (SELECT item_id FROM kept)
),
pairs AS (
    SELECT g.position, g.trace_id, b.trace_id AS rejected_id
    FROM good AS g
    JOIN bad AS b USING (item_id, side, place)
),
said AS (
{conversation}
),
unsaid AS (
{conversation of rejected}
)
SELECT
    list_transform(said.messages[:-2], lambda m: {message}) AS prompt,
    list_transform(said.messages[-1:], lambda m: {message}) AS chosen,
    list_transform(unsaid.messages[-1:], lambda m: {message}) AS rejected,
    said.reference,
    said.domain,
    said.source,
    said.teacher AS chosen_teacher,
    unsaid.teacher AS rejected_teacher,
    said.item_id,
    said.trace_id AS chosen_id,
    unsaid.trace_id AS rejected_id
FROM said
JOIN unsaid USING (position)
ORDER BY said.position

-- Pairs of an accepted and a wrong trace of one item; each trace is in one pair at most.
--   Both sides are drawn: accepted ones in the order of the draw, wrong ones (judged incorrect, and
--   not cut off unless asked) in an order given by a hash of their ids.  Equal texts stand once a
--   side; a text on both sides is in no pair.
WITH drawn AS (
    SELECT
        c.position,
        s.trace_id,
        s.item_id,
        (CASE WHEN $same_teacher THEN s.teacher_fingerprint ELSE '' END)
        || '/' || (CASE WHEN $same_recipe THEN s.recipe_fingerprint ELSE '' END) AS side,
        CASE
            WHEN s.accepted THEN 'good'
            WHEN s.outcome = 'incorrect' AND ($truncated OR s.finish_reason <> 'length') THEN 'bad'
        END AS lot,
        md5(
            CASE WHEN $thought = 'none' THEN '' ELSE trim(coalesce(s.body, '')) END
            || chr(0) || trim(coalesce(s.reply, s.answer, ''))
        ) AS digest
    FROM (SELECT min(position) AS position, trace_id FROM chosen GROUP BY trace_id) AS c
    JOIN (
        SELECT
            trace_id, item_id, teacher_fingerprint, recipe_fingerprint, accepted, outcome,
            finish_reason, body, reply, answer
        FROM samples
        WHERE claim = 'answers' AND trim(coalesce(reply, answer, '')) <> ''
    ) AS s USING (trace_id)
),
distinct_texts AS (
    SELECT *
    FROM drawn
    WHERE lot IS NOT NULL
    QUALIFY min(lot) OVER (PARTITION BY item_id, digest) = max(lot) OVER (PARTITION BY item_id, digest)
        AND row_number() OVER (PARTITION BY item_id, side, digest ORDER BY position) = 1
),
placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY item_id, side, lot
            ORDER BY CASE lot WHEN 'good' THEN lpad(position::VARCHAR, 20, '0') ELSE md5(trace_id) END
        ) AS place
    FROM distinct_texts
),
pairs AS (
    SELECT g.position, g.trace_id, b.trace_id AS rejected_id
    FROM placed AS g
    JOIN placed AS b USING (item_id, side, place)
    WHERE g.lot = 'good' AND b.lot = 'bad'
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

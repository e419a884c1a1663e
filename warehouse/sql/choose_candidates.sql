-- The traces that a screen considers, each with its place in the order of preference.
--   place counts from 0, the best first; leader is the best place of the trace's item; fresh: this
--   screen has not looked at it yet; held: this screen excluded it before.
-- {where} is the user's predicate over the columns of `thoughts`; {best} is made of the fixed terms
-- of warehouse/candidates.py; all values are bound.
CREATE TEMP TABLE screened AS
WITH chosen AS (
    SELECT trace_id, item_id, length(thinking) AS characters
    FROM thoughts
    WHERE {where}
),
judgements AS (
    SELECT trace_id, outcome FROM judged
),
placed AS (
    SELECT
        c.trace_id,
        c.item_id,
        row_number() OVER (ORDER BY {best}) - 1 AS place
    FROM chosen AS c
    LEFT JOIN judgements AS j USING (trace_id)
    WHERE c.trace_id NOT IN (SELECT trace_id FROM exclusions WHERE list_contains($before, screen))
)
SELECT
    p.trace_id,
    p.place,
    min(p.place) OVER (PARTITION BY p.item_id) AS leader,
    p.trace_id NOT IN (SELECT trace_id FROM reviewed WHERE review = $lane) AS fresh,
    p.trace_id IN (SELECT trace_id FROM exclusions WHERE screen = $screen) AS held
FROM placed AS p

-- The pool without what goes beyond the caps in column {cap}: the first of each value stay.
SELECT *
FROM mix_pool
WINDOW shared AS (
    PARTITION BY component, {cap}
    ORDER BY merit DESC NULLS LAST, lot, tie
    ROWS UNBOUNDED PRECEDING
)
QUALIFY CASE {limits} ELSE true END

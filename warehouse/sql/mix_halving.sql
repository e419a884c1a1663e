-- Merit of the components that draw longer rows with more weight (s1, arXiv 2501.19393, §2.2): within
-- a group the row of rank r has weight 2^-r, and groups come up in turn.
--   Drawing by weight without repeats is sorting by -ln(u) / weight (Efraimidis and Spirakis 2006);
--   its logarithm is taken, because 2^-r is 0 beyond rank 1,074.
SELECT * REPLACE (
    CASE WHEN component IN {halving}
        THEN -row_number() OVER (
            PARTITION BY component, side
            ORDER BY ln(-ln((lot + 0.5) / 18446744073709551616.0)) + place * ln(2), lot, tie
        )
        ELSE merit
    END AS merit
)
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY component, side ORDER BY merit DESC NULLS LAST, lot, tie
        ) AS place
    FROM mix_pool
)

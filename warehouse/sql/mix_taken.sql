-- What is taken, by component: tokens that teachers wrote for its different rows, and two sums that
-- change with any row's place, component or trace.
SELECT
    component,
    coalesce(sum(price) FILTER (epoch = 0), 0)::BIGINT,
    sum((digest >> 64)::HUGEINT),
    sum((digest & 18446744073709551615)::HUGEINT)
FROM (
    SELECT *, md5_number(concat_ws(' ', position, component, epoch, trace_id)) AS digest
    FROM chosen
)
GROUP BY component

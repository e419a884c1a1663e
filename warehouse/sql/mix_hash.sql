-- Two sums over all drawn rows that change with any row's place, component or trace.
SELECT
    coalesce(sum((digest >> 64)::HUGEINT), 0)::VARCHAR,
    coalesce(sum((digest & 18446744073709551615)::HUGEINT), 0)::VARCHAR
FROM (
    SELECT md5_number(concat_ws(' ', position, component, epoch, trace_id)) AS digest FROM chosen
)

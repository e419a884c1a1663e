-- Two sums over all drawn rows that change with any row's place, component or trace.
SELECT
    coalesce(sum(md5_number_lower(k)::HUGEINT), 0)::VARCHAR,
    coalesce(sum(md5_number_upper(k)::HUGEINT), 0)::VARCHAR
FROM (SELECT concat_ws(' ', position, component, epoch, trace_id) AS k FROM chosen)

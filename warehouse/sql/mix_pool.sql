-- Every row that some component may take: {view} is `candidates` or, where an expression asks what was
-- judged or scored, `samples`.  lot and tie are the row's place in a random order that the seed alone
-- decides (64 bits of MD5 each); merit comes before them where a component orders by something.
--   They are md5_number_lower and md5_number_upper, by one digest: four times as fast.
SELECT
    trace_id,
    component,
    size,
    price,
    (digest >> 64)::UBIGINT AS lot,
    (digest & 18446744073709551615)::UBIGINT AS tie,
    {columns}
FROM (
    SELECT
        *,
        md5_number($seed || trace_id) AS digest,
        CASE {component} END AS component,
        ({size})::BIGINT AS size,
        completion_tokens AS price
    FROM {view}
    WHERE {where}
)
WHERE component IS NOT NULL AND size > 0

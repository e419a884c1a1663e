-- Every row that some component may take: {view} is `candidates` or, where an expression asks what was
-- judged or scored, `samples`.  lot and tie are the row's place in a random order that the seed alone
-- decides (64 bits of MD5 each); merit comes before them where a component orders by something.
SELECT
    trace_id,
    component,
    size,
    price,
    md5_number_lower($seed || trace_id) AS lot,
    md5_number_upper($seed || trace_id) AS tie,
    {columns}
FROM (
    SELECT
        *,
        CASE {component} END AS component,
        ({size})::BIGINT AS size,
        completion_tokens AS price
    FROM {view}
    WHERE {where}
)
WHERE component IS NOT NULL AND size > 0

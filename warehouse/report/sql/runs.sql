-- The stages of the runs a report is about, oldest first.
SELECT
    run_id,
    name,
    stage,
    state,
    strftime(started_at::TIMESTAMP, '%Y-%m-%d %H:%M:%S') AS began,
    epoch(ended_at - started_at) AS seconds,
    config ->> '$.teacher.model' AS teacher,
    (config ->> '$.teacher.gpus_per_engine')::DOUBLE AS gpus,
    (summary ->> '$.rows.items')::BIGINT AS items,
    (summary ->> '$.repeated')::BIGINT AS repeated,
    (summary ->> '$.pending')::BIGINT AS pending,
    hash(config) AS lane
FROM lake.runs
WHERE run_id IN (SELECT run_id FROM asked_runs)
ORDER BY started_at, stage

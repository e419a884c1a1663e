-- One row per run: how it ended, what it made and what it spent.
--   state is that of its newest stage; `lost`: it was killed, or has given no sign of life for five
--   minutes.  reason: why it failed.
WITH made AS (
    SELECT
        provenance.run_id AS run_id,
        count(*) AS traces,
        sum(provenance.completion_tokens) AS completion_tokens
    FROM traces
    GROUP BY ALL
),
dropped AS (
    SELECT run_id, count(*) AS drops, sum(completion_tokens) AS dropped_tokens
    FROM drops
    GROUP BY ALL
)
SELECT
    r.run_id,
    any_value(r.name) AS name,
    string_agg(r.stage, ', ' ORDER BY r.started_at) AS stages,
    arg_max(
        CASE
            WHEN
                r.state = 'running'
                AND coalesce((r.summary ->> '$.heartbeat')::DOUBLE, epoch(r.started_at))
                < epoch(now()) - 300
                THEN 'lost'
            ELSE r.state
        END,
        r.started_at
    ) AS state,
    min(r.started_at) AS started_at,
    round(epoch(max(r.ended_at) - min(r.started_at)), 1) AS seconds,
    coalesce(any_value(m.traces), 0) AS traces,
    coalesce(any_value(d.drops), 0) AS drops,
    coalesce(any_value(m.completion_tokens), 0)::BIGINT AS completion_tokens,
    coalesce(any_value(d.dropped_tokens), 0)::BIGINT AS dropped_tokens,
    max(r.summary ->> '$.reason') FILTER (r.state = 'failed') AS reason
FROM runs AS r
LEFT JOIN made AS m USING (run_id)
LEFT JOIN dropped AS d USING (run_id)
GROUP BY r.run_id
ORDER BY started_at

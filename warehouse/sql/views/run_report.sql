-- One row a run: how it ended, what it made and what it spent.
WITH made AS (
    SELECT provenance.run_id AS run_id, count(*) AS traces,
           sum(provenance.completion_tokens) AS completion_tokens
    FROM traces
    GROUP BY ALL
),
dropped AS (
    SELECT run_id, count(*) AS drops, sum(completion_tokens) AS dropped_tokens
    FROM drops
    GROUP BY ALL
),
landed AS (SELECT run_id, count(*) AS shards FROM shards GROUP BY ALL)
SELECT
    r.run_id,
    r.name,
    r.stage,
    r.state,
    r.started_at,
    round(epoch(r.ended_at - r.started_at), 1) AS seconds,
    coalesce(l.shards, 0) AS shards,
    coalesce(m.traces, 0) AS traces,
    coalesce(d.drops, 0) AS drops,
    coalesce(m.completion_tokens, 0)::BIGINT AS completion_tokens,
    coalesce(d.dropped_tokens, 0)::BIGINT AS dropped_tokens
FROM runs AS r
LEFT JOIN made AS m USING (run_id)
LEFT JOIN dropped AS d USING (run_id)
LEFT JOIN landed AS l USING (run_id)
ORDER BY r.started_at

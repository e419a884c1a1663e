-- Of the draws of a shard, those that are settled: they have a trace, or were dropped since the run was
-- planned (an older drop of a planned draw is one that the run does again).
--   What is finished is worth more than another run's failure: against that only drops are repeated.
CREATE OR REPLACE TEMP TABLE repeated AS
WITH dropped AS (
    SELECT trace_id, run_id = $run_id AS own
    FROM drops
    WHERE run_id IN (SELECT run_id FROM shards WHERE lane = $lane AND commit_no > $since)
)
SELECT trace_id
FROM incoming AS i
WHERE trace_id IN (SELECT trace_id FROM traces)
   OR trace_id IN (SELECT trace_id FROM dropped WHERE own)
   OR (i.dropped AND trace_id IN (SELECT trace_id FROM dropped))

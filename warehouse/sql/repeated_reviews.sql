-- Of the traces of a shard, those that the review has been through.
CREATE OR REPLACE TEMP TABLE repeated AS
SELECT trace_id
FROM incoming
WHERE trace_id IN (SELECT trace_id FROM reviewed WHERE review = $lane)

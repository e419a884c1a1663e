-- What layouts read where no mix decides: every eligible trace that fits, by its id.
CREATE OR REPLACE TEMP TABLE chosen AS
SELECT row_number() OVER (ORDER BY trace_id) - 1 AS position, trace_id
FROM {view}
WHERE {where}

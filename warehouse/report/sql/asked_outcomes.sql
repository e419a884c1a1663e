-- The verdict that stands, for each judged trace.
SELECT trace_id, outcome FROM lake.judged

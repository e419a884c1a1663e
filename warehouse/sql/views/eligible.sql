-- Traces that no screen objects to.  A verdict does not make a trace ineligible: the mix decides.
SELECT t.*
FROM traces AS t
WHERE NOT EXISTS (SELECT 1 FROM exclusions AS e WHERE e.trace_id = t.trace_id)

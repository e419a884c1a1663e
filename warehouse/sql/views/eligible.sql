-- Traces that no screen in force objects to (see `screens_in_force`).  A verdict does not make a trace
-- ineligible: the mix decides.
SELECT t.*
FROM traces AS t
WHERE NOT EXISTS (SELECT 1 FROM exclusions_in_force AS e WHERE e.trace_id = t.trace_id)

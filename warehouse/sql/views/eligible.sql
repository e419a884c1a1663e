-- Traces that no screen in force objects to (see `screens_in_force`).  A verdict does not make a trace
-- ineligible: the mix decides.
SELECT t.*
FROM traces AS t
ANTI JOIN exclusions_in_force AS e USING (trace_id)

-- The objections that count: those of `screens_in_force`; all, as long as no curate run is done.
SELECT e.*
FROM exclusions AS e
WHERE e.screen IN (SELECT screen FROM screens_in_force)
   OR NOT EXISTS (SELECT 1 FROM runs WHERE stage = 'curate' AND state = 'done')

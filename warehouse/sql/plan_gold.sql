-- Items whose gold answer has not been checked yet, and problems that have nothing to be checked by.
-- A check that ran out of its limits, or died, is done again.
--   Tests, constraints and reasoning-gym's notes need no gold answer, so such items are passed over
--   unless they have one.
SELECT row_number() OVER () - 1 AS slot, i AS item
FROM items AS i
WHERE ($sources IS NULL OR i.item_id IN (
          SELECT s.item_id FROM item_sources AS s WHERE list_contains($sources, s.source)
      ))
  AND (
      i.reference IS NOT NULL
      OR (
          i.kind = 'problem'
          AND NOT list_has_any(map_keys(i.meta), ['tests', 'constraints', 'reasoning_gym'])
      )
  )
  AND NOT EXISTS (
      SELECT 1
      FROM gold_checks AS g
      WHERE g.item_id = i.item_id AND g.reason NOT IN ('timeout', 'memory', 'crashed', 'sandbox_failed')
  )

-- How many items a run wants, before its limit.
SELECT count(*)
FROM items AS i
WHERE ($sources IS NULL OR i.item_id IN (
          SELECT s.item_id FROM item_sources AS s WHERE list_contains($sources, s.source)
      ))
  AND ({where})

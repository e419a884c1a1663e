-- Traces that a review has not been through yet: one row a trace, with its item.
-- {where} is the run's own predicate over the columns of `thoughts`; all values are bound.
SELECT row_number() OVER () - 1 AS slot, t AS trace, i AS item
FROM traces AS t
JOIN items AS i ON i.item_id = t.item_id
WHERE t.trace_id IN (SELECT trace_id FROM thoughts WHERE {where})
  AND NOT EXISTS (
      SELECT 1 FROM reviewed AS r WHERE r.trace_id = t.trace_id AND r.review = $review
  )

-- Drawn traces with their items, whole, for layouts written in Python.
SELECT t AS trace, i AS item
FROM chosen AS c
JOIN traces AS t ON t.trace_id = c.trace_id
JOIN items AS i ON i.item_id = t.item_id
ORDER BY c.position

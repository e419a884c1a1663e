-- Drawn traces with their items, whole, for layouts written in Python; their segments are those of the
-- view `public_texts`: no private thought, no prompt that names the gold.
SELECT t AS trace, i AS item
FROM chosen AS c
JOIN (
    SELECT t.* REPLACE (p.segments AS segments)
    FROM traces AS t
    JOIN (SELECT trace_id, segments FROM public_texts) AS p USING (trace_id)
    WHERE t.trace_id IN (SELECT trace_id FROM chosen)
) AS t ON t.trace_id = c.trace_id
JOIN items AS i ON i.item_id = t.item_id
ORDER BY c.position

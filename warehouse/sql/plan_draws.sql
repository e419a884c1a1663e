-- The draws of a lane that are wanted and not settled yet: one row a draw, with the whole item.
-- {where} is the run's own predicate over items; all values are bound.
WITH wanted AS (
    SELECT i.*
    FROM items AS i
    WHERE ($sources IS NULL OR i.item_id IN (
              SELECT s.item_id FROM item_sources AS s WHERE list_contains($sources, s.source)
          ))
      AND ({where})
),
chosen AS (
    SELECT w.*
    FROM wanted AS w
    WHERE $max_items IS NULL
       OR w.item_id IN (SELECT item_id FROM wanted ORDER BY item_id LIMIT $max_items)
),
settled AS (
    SELECT item_id, draw
    FROM traces
    WHERE provenance.recipe_fingerprint = $recipe AND provenance.teacher_fingerprint = $teacher
    UNION ALL
    -- A draw that was dropped more than once has its newest word in the drop of the newest run.
    SELECT item_id, draw
    FROM drops
    LEFT JOIN (SELECT run_id, max(commit_no) AS landed FROM shards GROUP BY run_id) USING (run_id)
    WHERE recipe_fingerprint = $recipe AND teacher_fingerprint = $teacher
    GROUP BY item_id, draw
    HAVING NOT list_contains($redo, arg_max(reason, coalesce(landed, 0)))
)
SELECT row_number() OVER () - 1 AS slot, d.draw::INTEGER AS draw, c.*
FROM chosen AS c, unnest(range($draws)) AS d (draw)
WHERE NOT EXISTS (
    SELECT 1 FROM settled AS s WHERE s.item_id = c.item_id AND s.draw = d.draw
)

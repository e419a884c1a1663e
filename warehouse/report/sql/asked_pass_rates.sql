-- Pass rates of the items a report is about, over all draws of the lake: rates counted over a
-- selection of traces alone would tell what was selected, not how hard the items are.
SELECT d.item_id, d.teacher, d.n, d.passes, d.pass_rate, d.band
FROM lake.difficulty AS d
WHERE d.n > 0
    AND EXISTS (
        SELECT 1 FROM asked_traces AS t
        WHERE t.item_id = d.item_id
            AND t.recipe_fingerprint = d.recipe_fingerprint
            AND t.teacher_fingerprint = d.teacher_fingerprint
    )

-- DeepDistill's selection (arXiv 2504.17565) over all teachers' first attempts at an item: one row a
-- decided trace, whether it is kept and why.
--   below_threshold: nobody passed, the item goes.  Else, where cv is above the category's limit,
--   passing responses stay (varied) and the others go (failed); below it an open-ended item keeps
--   half of its responses (half, other_half: by hash, so a response's lot never changes) and any
--   other goes (uniform).  The paper leaves the limits open: those in `categories` are ours.
WITH asked AS (
    SELECT
        item_id,
        max(score) AS best_score,
        bool_or(passed) AS solved,
        coalesce(stddev_pop(score) / nullif(avg(score), 0), 0) AS cv
    FROM graded_draws
    WHERE score IS NOT NULL
    GROUP BY item_id
),
weighed AS (
    SELECT
        g.trace_id,
        g.item_id,
        g.category,
        g.teacher,
        g.score,
        g.passed,
        a.best_score,
        a.cv,
        CASE
            WHEN NOT a.solved THEN 'below_threshold'
            WHEN a.cv > c.cv_limit AND g.passed THEN 'varied'
            WHEN a.cv > c.cv_limit THEN 'failed'
            WHEN NOT c.open_ended THEN 'uniform'
            WHEN md5(g.trace_id) < '8' THEN 'half'
            ELSE 'other_half'
        END AS reason
    FROM graded AS g
    JOIN asked AS a USING (item_id)
    JOIN categories AS c USING (category)
    WHERE g.parent_trace_id IS NULL AND g.score IS NOT NULL
)
SELECT *, reason IN ('varied', 'half') AS keep
FROM weighed

-- How often a teacher solves an item, one row an item, recipe, teacher and sampling: pass rates
-- belong to these, never to the item alone.
--   n counts the draws that passed or failed (`graded_draws`): decided ones, and those that the
--   teacher did not bring to an end.  undecided are the others; dropped counts draws that gave no
--   trace, drop_reasons the same by reason.
--   cv is sigma over mu of the scores (population sigma; DeepDistill, arXiv 2504.17565): at four
--   binary draws 1.73, 1.00, 0.58, 0 for 1 to 4 passes, null where all scores are 0.  low and high
--   are Wilson's bounds of the pass rate at 95 %.
WITH lost AS (
    SELECT
        item_id, recipe_fingerprint, teacher_fingerprint,
        sum(draws)::BIGINT AS dropped,
        map_from_entries(list((dropped, draws) ORDER BY dropped)) AS drop_reasons
    FROM (
        SELECT item_id, recipe_fingerprint, teacher_fingerprint, dropped, count(*) AS draws
        FROM graded_draws
        WHERE dropped IS NOT NULL
        GROUP BY ALL
    )
    GROUP BY item_id, recipe_fingerprint, teacher_fingerprint
),
drawn AS (
    SELECT
        item_id,
        any_value(category) AS category,
        any_value(recipe) AS recipe,
        any_value(teacher) AS teacher,
        any_value(sampling) AS sampling,
        recipe_fingerprint,
        teacher_fingerprint,
        count(score) AS n,
        count(*) FILTER (passed) AS passes,
        count(*) FILTER (score IS NULL AND dropped IS NULL) AS undecided,
        avg(score) AS mean_score,
        max(score) AS best_score,
        stddev_pop(score) AS sigma
    FROM graded_draws
    GROUP BY item_id, recipe_fingerprint, teacher_fingerprint
),
rated AS (
    SELECT
        d.*,
        coalesce(lost.dropped, 0) AS dropped,
        lost.drop_reasons,
        passes / nullif(n, 0) AS p,
        1.96 * sqrt(p * (1 - p) / n + 0.9604 / (n * n)) AS spread
    FROM drawn AS d
    LEFT JOIN lost USING (item_id, recipe_fingerprint, teacher_fingerprint)
)
SELECT
    item_id,
    category,
    recipe,
    teacher,
    sampling,
    n,
    passes,
    p AS pass_rate,
    sigma / nullif(mean_score, 0) AS cv,
    -- Wilson: 1.96 is the normal quantile, 3.8416 its square.  Rounding may step over 0 and 1.
    CASE WHEN n > 0 THEN greatest(0, (p + 1.9208 / n - spread) / (1 + 3.8416 / n)) END AS low,
    CASE WHEN n > 0 THEN least(1, (p + 1.9208 / n + spread) / (1 + 3.8416 / n)) END AS high,
    mean_score,
    best_score,
    undecided,
    dropped,
    drop_reasons,
    recipe_fingerprint,
    teacher_fingerprint
FROM rated

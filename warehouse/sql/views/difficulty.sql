-- The band of each item for each teacher and sampling, by the thresholds in `categories`.
--   hard: pass_rate < hard_below; easy: pass_rate > easy_above; medium between.  Null where no draw
--   passed or failed; draws that the teacher did not bring to an end have failed.  settled: Wilson's 95 %
--   bounds lie inside the band.
WITH banded AS (
    SELECT
        p.*,
        c.hard_below,
        c.easy_above,
        CASE
            WHEN p.pass_rate < c.hard_below THEN 'hard'
            WHEN p.pass_rate > c.easy_above THEN 'easy'
            WHEN p.pass_rate IS NOT NULL THEN 'medium'
        END AS band
    FROM pass_rates AS p
    JOIN categories AS c USING (category)
)
SELECT
    item_id,
    category,
    recipe,
    teacher,
    sampling,
    band,
    coalesce(
        CASE band
            WHEN 'hard' THEN high < hard_below
            WHEN 'easy' THEN low > easy_above
            ELSE low >= hard_below AND high <= easy_above
        END,
        false
    ) AS settled,
    n,
    passes,
    pass_rate,
    low,
    high,
    cv,
    recipe_fingerprint,
    teacher_fingerprint
FROM banded

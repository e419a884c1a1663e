-- What each draw at an item came to, one row a first attempt or dropped draw: the one definition that
-- pass rates, bands, selections and gradings are counted by.
--   A draw that the teacher did not bring to an end (its token limit, an empty reply) has failed: its
--   score is 0 and `dropped` says why.  A draw that something else broke, or a prompt that does not
--   fit, says nothing about the teacher: its score is null, as that of an undecided trace.  A second
--   attempt is made because the first failed, so only first attempts count.  Draws by recipes that
--   claim no answer are not here.
WITH lanes AS (
    SELECT
        recipe_fingerprint,
        teacher_fingerprint,
        any_value(recipe) AS recipe,
        any_value(teacher) AS teacher,
        any_value(provenance.sampling) AS sampling
    FROM public_texts
    WHERE claim = 'answers'
    GROUP BY ALL
),
lost AS (
    SELECT d.item_id, d.draw, d.reason, d.trace_id, d.recipe_fingerprint, d.teacher_fingerprint
    FROM drops AS d
    LEFT JOIN (SELECT run_id, max(commit_no) AS landed FROM shards GROUP BY run_id) AS s
        ON s.run_id = d.run_id
    -- A draw that was dropped and then done again has a trace.
    WHERE d.draw IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM traces AS t WHERE t.trace_id = d.trace_id)
    QUALIFY row_number() OVER (
        PARTITION BY d.item_id, d.draw, d.recipe_fingerprint, d.teacher_fingerprint
        ORDER BY s.landed DESC NULLS LAST, d.reason
    ) = 1
)
SELECT
    trace_id, item_id, draw, category, recipe, teacher, sampling, recipe_fingerprint,
    teacher_fingerprint, score, passed, NULL::VARCHAR AS dropped
FROM graded
WHERE parent_trace_id IS NULL
UNION ALL
SELECT
    l.trace_id,
    l.item_id,
    l.draw,
    k.category,
    a.recipe,
    a.teacher,
    a.sampling,
    l.recipe_fingerprint,
    l.teacher_fingerprint,
    CASE
        WHEN l.reason NOT IN (
            'teacher_error', 'recipe_error', 'timeout', 'error', 'sandbox_failed', 'missing_image',
            'prompt_too_long'
        ) THEN 0
    END AS score,
    false AS passed,
    l.reason AS dropped
FROM lost AS l
JOIN lanes AS a USING (recipe_fingerprint, teacher_fingerprint)
JOIN item_categories AS k USING (item_id)

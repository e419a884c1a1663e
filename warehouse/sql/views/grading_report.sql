-- What gradings came to, one row a recipe and teacher that was graded, and band.
--   The band is that of the pass rate over an item's decided draws, by the settings of the newest
--   run; `undecided` where no draw was decided.  tokens_at_k is what k draws of each item would have
--   taken by its mean; saved is the share of it that was not written.
WITH lanes AS (
    SELECT
        recipe_fingerprint,
        teacher_fingerprint,
        arg_max(run_id, started_at) AS run_id,
        arg_max(teacher, started_at) AS teacher,
        arg_max(grade, started_at) AS grade
    FROM (
        SELECT
            run_id,
            started_at,
            config::JSON ->> '$.recipe_fingerprint' AS recipe_fingerprint,
            config::JSON ->> '$.teacher_fingerprint' AS teacher_fingerprint,
            config::JSON ->> '$.teacher.model' AS teacher,
            from_json(
                config::JSON -> '$.grade',
                '{"k": "INTEGER", "drops_count_as": "VARCHAR", "failures": ["VARCHAR"],
                  "bands": [{"name": "VARCHAR", "below": "DOUBLE", "up_to": "DOUBLE"}]}'
            ) AS grade
        FROM runs
        WHERE stage = 'grade'
    )
    GROUP BY recipe_fingerprint, teacher_fingerprint
),
draws AS (
    SELECT
        t.item_id,
        t.draw,
        t.provenance.recipe_fingerprint AS recipe_fingerprint,
        t.provenance.teacher_fingerprint AS teacher_fingerprint,
        CASE WHEN t.finish_reason = 'length' THEN 'incorrect' ELSE j.outcome END AS outcome,
        NULL AS reason,
        t.provenance.completion_tokens AS tokens
    FROM traces AS t
    LEFT JOIN judged AS j USING (trace_id)
    WHERE t.parent_trace_id IS NULL
    UNION ALL
    SELECT
        d.item_id, d.draw, d.recipe_fingerprint, d.teacher_fingerprint, NULL, d.reason,
        d.completion_tokens
    FROM drops AS d
    ANTI JOIN traces AS t
        ON t.trace_id = d.trace_id
    WHERE d.draw IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY d.trace_id ORDER BY d.reason) = 1
),
counted AS (
    SELECT
        l.run_id,
        l.teacher,
        d.item_id,
        any_value(l.grade) AS grade,
        count(*) AS draws,
        sum(d.tokens) AS tokens,
        count(*) FILTER (d.outcome = 'correct') AS passes,
        count(*) FILTER (
            d.outcome = 'incorrect'
            OR (
                l.grade.drops_count_as = 'incorrect'
                AND NOT list_contains(l.grade.failures, d.reason)
            )
        ) AS fails
    FROM draws AS d
    JOIN lanes AS l USING (recipe_fingerprint, teacher_fingerprint)
    WHERE d.draw < l.grade.k
    GROUP BY l.run_id, l.teacher, d.item_id
),
rated AS (
    SELECT *, passes / nullif(passes + fails, 0) AS pass_rate
    FROM counted
),
banded AS (
    SELECT
        *,
        coalesce(
            list_filter(
                grade.bands,
                lambda b: pass_rate < coalesce(b.below, coalesce(b.up_to, 1) + 1e-9)
            )[1].name,
            'undecided'
        ) AS band
    FROM rated
)
SELECT
    run_id,
    teacher,
    band,
    count(*) AS items,
    sum(draws)::BIGINT AS draws,
    round(avg(draws), 1) AS draws_per_item,
    round(avg(pass_rate), 3) AS pass_rate,
    sum(tokens)::BIGINT AS tokens,
    round(sum(tokens / draws * grade.k))::BIGINT AS tokens_at_k,
    round(1 - sum(tokens) / nullif(sum(tokens / draws * grade.k), 0), 3) AS saved
FROM banded
GROUP BY run_id, teacher, band
ORDER BY run_id, teacher, min(pass_rate)

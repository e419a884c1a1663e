-- One row a code-integrated trace: its blocks, its hints, what speaks against it, its tokens by kind.
--   calculation_blocks, verification_blocks: from the labeller block_purpose; novel_blocks,
--   significant_blocks: from the judges, where they were asked.  no_code ... leftover_delayed: whether
--   that check objects (view `checks`), null where it was not asked or had no opinion.  outcome is the
--   verdict on the answer that stands (view `judged`).
WITH objections AS (
    SELECT
        trace_id,
        bool_or(outcome = 'incorrect') FILTER (kind = 'no_code') AS no_code,
        bool_or(outcome = 'incorrect') FILTER (kind = 'broken_pair') AS broken_pair,
        bool_or(outcome = 'incorrect') FILTER (kind = 'answer_before_code') AS answer_before_code,
        bool_or(outcome = 'incorrect') FILTER (kind = 'leftover_distrust') AS leftover_distrust,
        bool_or(outcome = 'incorrect') FILTER (kind = 'leftover_delayed') AS leftover_delayed
    FROM checks
    WHERE outcome <> 'undecided'
    GROUP BY trace_id
),
labelled AS (
    SELECT
        trace_id,
        position,
        split_part(labeller, '@', 1) AS kind,
        arg_max(label, try_cast(regexp_extract(labeller, '@(\d+)', 1) AS INTEGER)) AS label
    FROM labels
    WHERE split_part(labeller, '@', 1) IN ('block_purpose', 'block_novelty', 'block_significance')
    GROUP BY ALL
),
purposes AS (
    SELECT
        trace_id,
        count(*) FILTER (kind = 'block_purpose' AND label = 'calculation') AS calculation_blocks,
        count(*) FILTER (kind = 'block_purpose' AND label = 'verification') AS verification_blocks,
        count(*) FILTER (kind = 'block_novelty' AND label = 'novel') AS novel_blocks,
        count(*) FILTER (kind = 'block_significance' AND label = 'significant') AS significant_blocks,
        count(*) FILTER (kind = 'block_novelty') AS asked_novelty,
        count(*) FILTER (kind = 'block_significance') AS asked_significance
    FROM labelled
    GROUP BY trace_id
),
counted AS (
    SELECT
        trace_id,
        count(*) FILTER (kind = 'code') AS blocks,
        count(*) FILTER (kind = 'hint') AS hints,
        coalesce(sum(tokens) FILTER (kind = 'prompt'), 0)::BIGINT AS prompt_tokens,
        coalesce(sum(tokens) FILTER (kind = 'hint'), 0)::BIGINT AS hint_tokens,
        coalesce(sum(tokens) FILTER (kind = 'think'), 0)::BIGINT AS think_tokens,
        coalesce(sum(tokens) FILTER (kind = 'code'), 0)::BIGINT AS code_tokens,
        coalesce(sum(tokens) FILTER (kind = 'output'), 0)::BIGINT AS output_tokens,
        coalesce(sum(tokens) FILTER (kind = 'answer'), 0)::BIGINT AS answer_tokens,
        coalesce(sum(tokens) FILTER (trainable), 0)::BIGINT AS trainable_tokens
    FROM segments
    GROUP BY trace_id
)
SELECT
    t.trace_id,
    t.item_id,
    t.draw,
    i.domain,
    t.meta['mode'] AS mode,
    t.provenance.teacher AS teacher,
    t.answer,
    j.outcome,
    c.blocks,
    p.calculation_blocks,
    p.verification_blocks,
    CASE WHEN p.asked_novelty > 0 THEN p.novel_blocks END AS novel_blocks,
    CASE WHEN p.asked_significance > 0 THEN p.significant_blocks END AS significant_blocks,
    o.no_code,
    o.broken_pair,
    o.answer_before_code,
    o.leftover_distrust,
    o.leftover_delayed,
    c.hints,
    try_cast(t.meta['hints_delayed'] AS INTEGER) AS hints_delayed,
    try_cast(t.meta['hints_distrust'] AS INTEGER) AS hints_distrust,
    try_cast(t.meta['code_calls'] AS INTEGER) AS code_calls,
    c.prompt_tokens,
    c.hint_tokens,
    c.think_tokens,
    c.code_tokens,
    c.output_tokens,
    c.answer_tokens,
    c.trainable_tokens,
    try_cast(t.meta['cut_tokens'] AS INTEGER) AS cut_tokens,
    t.provenance.completion_tokens AS completion_tokens
FROM traces AS t
JOIN counted AS c USING (trace_id)
LEFT JOIN items AS i USING (item_id)
LEFT JOIN judged AS j USING (trace_id)
LEFT JOIN objections AS o USING (trace_id)
LEFT JOIN purposes AS p USING (trace_id)
WHERE t.provenance.recipe = 'code_integrated'

-- DeepDistill's row (arXiv 2504.17565).  The pass rates are one column a teacher, or one map.
--   A teacher with several samplings has the rate of all its draws.
WITH rates AS (
    SELECT item_id, map_from_entries(list((teacher, rate) ORDER BY teacher)) AS rates
    FROM (
        SELECT item_id, teacher, sum(passes) / sum(n) AS rate
        FROM pass_rates
        WHERE n > 0
        GROUP BY item_id, teacher
    )
    GROUP BY item_id
),
perplexities AS (
    SELECT trace_id, arg_min(value, scorer) AS ppl
    FROM scores
    WHERE starts_with(scorer, 'perplexity@')
      AND (
          $ppl_teacher IS NULL
          OR starts_with(regexp_extract(scorer, '"teacher":"(.*)"', 1), $ppl_teacher)
      )
    GROUP BY trace_id
),
written AS (
    SELECT
        t.trace_id,
        list_aggregate(
            list_transform(
                list_filter(t.segments, lambda s: s.kind = 'think' AND s.trainable), lambda s: s.text
            ),
            'string_agg', ''
        ) AS thinking,
        list_aggregate(
            list_transform(list_filter(t.segments, lambda s: s.kind = 'answer'), lambda s: s.text),
            'string_agg', ''
        ) AS said,
        t.answer,
        t.provenance.teacher AS teacher,
        t.item_id
    FROM traces AS t
    WHERE t.trace_id IN (SELECT trace_id FROM chosen)
)
SELECT
    i.text AS question,
    $open_think || trim(coalesce(w.thinking, ''), chr(10)) || $close_think
    || $open_answer || trim(coalesce(nullif(w.said, ''), w.answer, ''), chr(10)) || $close_answer
        AS answer,
    i.source AS question_source,
    w.teacher AS answer_source,
    k.category,
    i.reference AS ground_truth,
    i.meta['tests'] AS test_case,
    i.meta['constraints'] AS instruction_constrain,
    {pass_rates},
    g.score AS verify_score,
    x.ppl,
    w.teacher AS model_name,
    w.item_id,
    w.trace_id
FROM chosen AS c
JOIN written AS w USING (trace_id)
JOIN items AS i ON i.item_id = w.item_id
JOIN item_categories AS k ON k.item_id = w.item_id
LEFT JOIN rates AS p ON p.item_id = w.item_id
LEFT JOIN graded AS g ON g.trace_id = w.trace_id
LEFT JOIN perplexities AS x ON x.trace_id = w.trace_id
ORDER BY c.position

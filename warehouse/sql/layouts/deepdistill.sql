-- DeepDistill's row (arXiv 2504.17565).  The pass rates are one column a teacher, or one map.
--   They are rates of the recipe that made the response; a teacher with several samplings has the rate
--   of all its draws.  Where the trace has no answer there is no answer block.
WITH rates AS (
    SELECT item_id, recipe, map_from_entries(list((teacher, rate) ORDER BY teacher)) AS rates
    FROM (
        SELECT item_id, recipe, teacher, sum(passes) / sum(n) AS rate
        FROM pass_rates
        WHERE n > 0
        GROUP BY item_id, recipe, teacher
    )
    GROUP BY item_id, recipe
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
{picked}
)
SELECT
    w.problem AS question,
    coalesce($open_think || nullif(w.thought, '') || $close_think, '')
    || CASE WHEN w.reply <> '' THEN $open_answer || w.reply || $close_answer ELSE '' END AS answer,
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
FROM written AS w
JOIN items AS i ON i.item_id = w.item_id
JOIN item_categories AS k ON k.item_id = w.item_id
LEFT JOIN rates AS p ON p.item_id = w.item_id AND p.recipe = w.recipe
LEFT JOIN graded AS g ON g.trace_id = w.trace_id
LEFT JOIN perplexities AS x ON x.trace_id = w.trace_id
ORDER BY w.position

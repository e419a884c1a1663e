-- What stands for each judged trace: the verdict on its answer, or, for the explanation of a given
-- answer, whether it arrives there and no check objects.
SELECT trace_id, outcome FROM lake.judged
UNION ALL
SELECT
    trace_id,
    CASE
        WHEN bool_or(outcome = 'incorrect') THEN 'incorrect'
        WHEN bool_or(outcome = 'correct') FILTER (kind IN ('blind', 'conclusion')) THEN 'correct'
        ELSE 'undecided'
    END AS outcome
FROM lake.checks
WHERE trace_id NOT IN (SELECT trace_id FROM lake.judged)
GROUP BY trace_id
HAVING bool_or(kind IN ('blind', 'conclusion'))

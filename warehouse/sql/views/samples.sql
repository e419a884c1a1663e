-- One row an eligible trace with all that a selection may ask: what mixes and exports choose from.
--   outcome and grade are the trace's own; pass_rate, band and draws are those of its item with this
--   recipe and teacher.  objections names the checks that object to how the trace came by its answer
--   (view `checks`).  accepted: the answer is right, or the explanation of a given answer arrives at
--   it, and no check objects; null where that is undecided.  All are null where nothing was judged,
--   and on a trace that muses accepted is null, or false where a check objects.
--   scores holds the scorers' numbers by name: scores['repetition@1'].
WITH scored AS (
    SELECT trace_id, map_from_entries(list_sort(list((scorer, value)))) AS scores
    FROM (SELECT trace_id, scorer, max(value) AS value FROM scores GROUP BY ALL)
    GROUP BY trace_id
),
checked AS (
    SELECT
        trace_id,
        list_sort(coalesce(list(kind) FILTER (outcome = 'incorrect'), [])) AS objections,
        bool_and(CASE outcome WHEN 'undecided' THEN NULL ELSE outcome = 'correct' END)
            FILTER (kind IN ('blind', 'conclusion')) AS arrives,
        bool_or(outcome = 'undecided') FILTER (kind IN ('blind', 'conclusion')) AS unread
    FROM checks
    GROUP BY trace_id
)
SELECT
    c.*,
    d.category,
    j.outcome,
    j.reason AS outcome_reason,
    j.grade,
    k.objections,
    CASE
        WHEN j.outcome = 'incorrect' OR len(k.objections) > 0 THEN false
        WHEN j.outcome = 'undecided' THEN NULL
        WHEN j.outcome = 'correct' OR (k.arrives AND NOT k.unread) THEN true
    END AS accepted,
    d.pass_rate,
    d.band,
    d.n AS draws,
    s.scores
FROM candidates AS c
LEFT JOIN judged AS j ON j.trace_id = c.trace_id
LEFT JOIN checked AS k ON k.trace_id = c.trace_id
LEFT JOIN difficulty AS d
    ON d.item_id = c.item_id
    AND d.recipe_fingerprint = c.recipe_fingerprint
    AND d.teacher_fingerprint = c.teacher_fingerprint
LEFT JOIN scored AS s ON s.trace_id = c.trace_id

-- One row a trace that answers and that a verifier of answers has looked at: the verdict that stands.
--   Verdicts on traces that explain a given answer, or claim none (`public_texts`), do not count.
--   The last tier that decided has the say (`tiers` ranks them by cost), else the last that could
--   not.  grade is what the response is worth from 0 to 1: the verifier's score where the score is a
--   grade, else 1 or 0 by the outcome, null where it is undecided.  disputed: two tiers that decided
--   disagree.  Checks of how an answer was come by are not here: see `checks`.
WITH told AS (
    SELECT
        v.trace_id,
        v.verifier,
        v.outcome,
        v.reason,
        v.score,
        t.graded,
        row_number() OVER (
            PARTITION BY v.trace_id
            ORDER BY
                v.outcome = 'undecided',
                t.rank DESC,
                try_cast(regexp_extract(v.verifier, '@(\d+)', 1) AS INTEGER) DESC,
                v.verifier DESC
        ) AS place,
        min(v.outcome) FILTER (v.outcome <> 'undecided') OVER (PARTITION BY v.trace_id)
        <> max(v.outcome) FILTER (v.outcome <> 'undecided') OVER (PARTITION BY v.trace_id)
            AS disputed
    FROM verdicts AS v
    JOIN tiers AS t ON t.kind = split_part(v.verifier, '@', 1)
    SEMI JOIN (SELECT trace_id FROM public_texts WHERE claim = 'answers') AS p USING (trace_id)
)
SELECT
    trace_id,
    outcome,
    reason,
    verifier,
    score,
    CASE
        WHEN outcome = 'undecided' THEN NULL
        WHEN graded AND score IS NOT NULL THEN score
        ELSE (outcome = 'correct')::DOUBLE
    END AS grade,
    coalesce(disputed, false) AS disputed
FROM told
WHERE place = 1

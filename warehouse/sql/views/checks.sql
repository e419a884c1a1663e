-- What was found about how a trace came by its answer, one row a trace and check: whether it leaks
-- what it was told, arrives where it should, computes before it answers ...  Of several versions of a
-- check the newest counts, of several settings of one version an objection.  Verdicts on answers are
-- not here: see `judged`.
SELECT trace_id, kind, standing.outcome AS outcome, standing.reason AS reason
FROM (
    SELECT
        trace_id,
        kind,
        arg_max(
            {'outcome': outcome, 'reason': reason},
            {
                'version': coalesce(version, 0),
                'objects': outcome = 'incorrect',
                'decided': outcome <> 'undecided',
                'verifier': verifier
            }
        ) AS standing
    FROM (
        SELECT
            *,
            split_part(verifier, '@', 1) AS kind,
            try_cast(regexp_extract(verifier, '@(\d+)', 1) AS INTEGER) AS version
        FROM verdicts
    )
    WHERE kind NOT IN (SELECT kind FROM tiers)
    GROUP BY trace_id, kind
)

-- What was found about how a trace came by its answer, one row a trace and check: whether it leaks
-- what it was told, arrives where it should, computes before it answers ...  Of several versions of a
-- check the newest counts.  Verdicts on answers are not here: see `judged`.
SELECT
    trace_id,
    split_part(verifier, '@', 1) AS kind,
    arg_max(outcome, coalesce(try_cast(regexp_extract(verifier, '@(\d+)', 1) AS INTEGER), 0)) AS outcome,
    arg_max(reason, coalesce(try_cast(regexp_extract(verifier, '@(\d+)', 1) AS INTEGER), 0)) AS reason
FROM verdicts
WHERE split_part(verifier, '@', 1) NOT IN (SELECT kind FROM tiers)
GROUP BY ALL

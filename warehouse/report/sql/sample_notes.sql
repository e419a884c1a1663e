-- What verifiers, scorers and screens say of the sampled traces.
SELECT trace_id, 'verdict' AS what, verifier AS who, outcome || ', ' || reason AS said
FROM lake.verdicts WHERE trace_id IN (SELECT unnest($ids::VARCHAR[]))
UNION ALL
SELECT trace_id, 'score', scorer, format('{:.3f}', value)
FROM lake.scores WHERE trace_id IN (SELECT unnest($ids::VARCHAR[]))
UNION ALL
SELECT trace_id, 'objection', screen, reason || CASE WHEN detail = '' THEN '' ELSE ': ' || left(detail, 200) END
FROM asked_objections WHERE trace_id IN (SELECT unnest($ids::VARCHAR[]))
ORDER BY ALL

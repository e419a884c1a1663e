-- Items whose own verifier does not accept their gold answer, and why: a broken gold, or one that no
-- verifier can read.  Empty where no gold was checked.
--   A check that ran out of its limits, or died, stands until another has come to its end.
SELECT
    g.item_id,
    g.outcome,
    g.reason,
    g.verifier,
    i.reference,
    i.source,
    i.domain,
    i.text
FROM (
    FROM gold_checks
    QUALIFY row_number() OVER (
        PARTITION BY item_id
        ORDER BY reason IN ('timeout', 'memory', 'crashed', 'sandbox_failed'), reason
    ) = 1
) AS g
JOIN items AS i USING (item_id)
WHERE g.outcome <> 'correct'
ORDER BY i.source, g.reason, g.item_id

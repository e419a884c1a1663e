-- Items whose own verifier does not accept their gold answer, and why: a broken gold, or one that no
-- verifier can read.  Empty where no gold was checked.
SELECT
    g.item_id,
    g.outcome,
    g.reason,
    g.verifier,
    i.reference,
    i.source,
    i.domain,
    i.text
FROM gold_checks AS g
JOIN items AS i USING (item_id)
WHERE g.outcome <> 'correct'
ORDER BY i.source, g.reason, g.item_id

-- Items that a run's draws are about, for a run whose own count of items is not in the books.
SELECT count(*) FROM (
    SELECT item_id FROM asked_traces
    UNION
    SELECT item_id FROM asked_drops WHERE item_id IS NOT NULL
)

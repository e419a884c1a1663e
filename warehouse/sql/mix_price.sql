-- Tokens that teachers wrote for the different rows taken, by component.
SELECT component, sum(price)::BIGINT
FROM mix_pool
WHERE rowid IN (SELECT "row" FROM mix_drawn)
GROUP BY component

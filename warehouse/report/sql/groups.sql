-- Passes among decided draws by teacher and by what the items tell of themselves: their level
-- where they have one, else their domain, else their source.
SELECT
    CASE WHEN i.meta['level'] IS NOT NULL THEN 'level' ELSE 'domain' END AS what,
    coalesce(i.meta['level'], i.domain, i.source) AS "group",
    p.teacher,
    sum(p.passes)::BIGINT AS passes,
    sum(p.n)::BIGINT AS draws
FROM asked_pass_rates AS p
JOIN lake.items AS i USING (item_id)
GROUP BY 1, 2, 3
ORDER BY draws DESC, 2, 3
LIMIT $most

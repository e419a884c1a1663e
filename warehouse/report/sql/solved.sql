-- How many items each teacher solves how often, and the band these items lie in.
SELECT teacher, band, round(pass_rate, 3) AS pass_rate, count(*) AS items, sum(n)::BIGINT AS draws
FROM asked_pass_rates
GROUP BY 1, 2, 3
ORDER BY 1, 3, 2

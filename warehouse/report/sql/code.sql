-- Code-integrated traces by mode: their blocks and what a labeller says these are for.
SELECT
    coalesce(c.mode, 'code') AS mode,
    count(*) AS traces,
    count(*) FILTER (WHERE c.blocks > 0) AS with_code,
    coalesce(sum(c.blocks), 0)::BIGINT AS blocks,
    coalesce(sum(c.calculation_blocks), 0)::BIGINT AS calculation,
    coalesce(sum(c.verification_blocks), 0)::BIGINT AS verification
FROM lake.code_traces AS c
JOIN asked_traces AS t USING (trace_id)
GROUP BY 1
ORDER BY 1

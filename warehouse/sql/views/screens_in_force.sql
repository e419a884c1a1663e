-- The screens whose objections count, with the run that says so.
--   Of each name of a curate run (the `name` of its config), the newest run that was done counts: its
--   screens are in force, those of its earlier runs no longer are.  A run without screens retires
--   its name.
WITH newest AS (
    SELECT arg_max(run_id, started_at) AS run_id, arg_max(config, started_at) AS config
    FROM runs
    WHERE stage = 'curate' AND state = 'done'
    GROUP BY name
)
SELECT run_id, unnest(from_json(config::JSON -> '$.screens', '["VARCHAR"]')) AS screen
FROM newest

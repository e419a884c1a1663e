    -- A conversation a row of {ids}: the problem, then thought and answer, or the answer alone.
    --   thinks is false for the share of rows that go without their thought.
    SELECT
        list_concat(
            CASE
                WHEN $system <> ''
                    THEN [{'role': 'system', 'content': $system, 'reasoning_content': NULL::VARCHAR}]
                ELSE []
            END,
            [
                {
                    'role': 'user',
                    'content': asked || CASE WHEN thinks THEN $think_flag ELSE $no_think_flag END,
                    'reasoning_content': NULL::VARCHAR
                },
                {
                    'role': 'assistant',
                    'content': CASE
                        WHEN NOT thinks THEN $no_think_opening
                        WHEN $thought = 'inline' THEN $open_tag || thought || $close_tag
                        ELSE ''
                    END || reply,
                    'reasoning_content': CASE WHEN thinks THEN thought END
                }
            ]
        ) AS messages,
        *
    FROM (
        SELECT
            p.*,
            {marked}
            || CASE $prompt WHEN 'trace' THEN coalesce(p.prompt, p.problem) ELSE p.problem END
                AS asked,
            $thought <> 'none'
            AND p.thought IS NOT NULL
            AND md5_number_lower('thinks:' || p.trace_id) / 18446744073709551616.0 >= $no_think_share
                AS thinks
        FROM (
{picked}
        ) AS p
        {judgements}
        WHERE p.reply <> ''  -- a thought without a reply makes no turn
    )

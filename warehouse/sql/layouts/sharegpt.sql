-- ShareGPT conversations, one a row.
SELECT
    list_transform(
        messages,
        lambda m: {
            'from': CASE m.role WHEN 'user' THEN 'human' WHEN 'assistant' THEN 'gpt' ELSE m.role END,
            'value': m.content
        }
    ) AS conversations,
    thinks,
    domain,
    source,
    item_id,
    trace_id
FROM (
{conversation}
)
ORDER BY position

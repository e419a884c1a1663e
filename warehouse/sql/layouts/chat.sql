-- OpenAI messages, one conversation a row.
SELECT
    list_transform(messages, lambda m: {message}) AS messages,
    thinks,
    answer,
    reference,
    domain,
    source,
    recipe,
    teacher,
    thinking_tokens,
    item_id,
    trace_id,
    draw
FROM (
{conversation}
)
ORDER BY position

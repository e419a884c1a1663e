-- One row a trace: its thought and what it is a thought about, as `public_texts` has it.
SELECT
    trace_id,
    item_id,
    draw,
    claim,
    kind,
    domain,
    source,
    recipe,
    teacher,
    finish_reason,
    answer,
    thinking,
    thinking_tokens
FROM public_texts

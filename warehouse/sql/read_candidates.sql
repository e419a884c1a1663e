-- The candidates as a published row would show them: item, thought with its code and outputs, answer.
--   written is what of the thought the teacher wrote: neither hints nor outputs.  kinds are the
--   segments' kinds in order.
SELECT
    c.trace_id,
    c.place,
    c.leader,
    t.text,
    t.body AS thought,
    list_aggregate(
        list_transform(
            list_filter(t.segments, lambda s: s.kind IN ('think', 'code')), lambda s: s.text
        ),
        'string_agg', ''
    ) AS written,
    coalesce(t.reply, t.answer) AS answer,
    list_aggregate(list_transform(t.segments, lambda s: s.kind), 'string_agg', ' ') AS kinds,
    t.finish_reason,
    list_sum(
        list_transform(
            list_filter(t.segments, lambda s: s.kind NOT IN ('prompt', 'answer')),
            lambda s: len(s.token_ids)
        )
    )::BIGINT AS thought_tokens,
    t.completion_tokens
FROM temp.screened AS c
JOIN public_texts AS t ON t.trace_id = c.trace_id
WHERE c.fresh OR NOT $only_fresh

-- One row a trace: its thought and what it is a thought about.
--   thinking_tokens is the thought's length in the teacher's tokens (completion tokens where the
--   endpoint does not tell token ids).
SELECT
    t.trace_id,
    t.item_id,
    t.draw,
    i.kind,
    i.domain,
    i.source,
    t.provenance.recipe AS recipe,
    t.provenance.teacher AS teacher,
    t.finish_reason,
    t.answer,
    list_aggregate(
        list_transform(list_filter(t.segments, lambda s: s.kind = 'think'), lambda s: s.text),
        'string_agg', ''
    ) AS thinking,
    coalesce(
        nullif(
            list_sum(
                list_transform(
                    list_filter(t.segments, lambda s: s.kind = 'think'), lambda s: len(s.token_ids)
                )
            ),
            0
        ),
        t.provenance.completion_tokens
    )::BIGINT AS thinking_tokens
FROM traces AS t
JOIN items AS i USING (item_id)

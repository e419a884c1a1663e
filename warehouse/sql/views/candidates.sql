-- One row an eligible trace with its item, without what verifiers and scorers say of it: `samples`
-- adds that.
--   tokens is what the teacher saw and wrote (the requests' tokens where the endpoint tells no ids),
--   thinking_tokens the thoughts alone.  body is all between prompt and answer: thoughts, hints, code
--   and outputs, as they followed one another; reply is the answer as it was said, answer the final
--   answer in it.
SELECT
    t.trace_id,
    t.item_id,
    t.draw,
    t.parent_trace_id,
    i.kind,
    i.text,
    i.reference,
    i.choices,
    i.images,
    i.domain,
    i.source,
    t.provenance.recipe AS recipe,
    t.provenance.teacher AS teacher,
    t.finish_reason,
    t.answer,
    list_aggregate(
        list_transform(list_filter(t.segments, lambda s: s.kind = 'prompt'), lambda s: s.text),
        'string_agg', ''
    ) AS prompt,
    list_aggregate(
        list_transform(list_filter(t.segments, lambda s: s.kind = 'think'), lambda s: s.text),
        'string_agg', ''
    ) AS thinking,
    list_aggregate(
        list_transform(
            list_filter(t.segments, lambda s: s.kind NOT IN ('prompt', 'answer')), lambda s: s.text
        ),
        'string_agg', ''
    ) AS body,
    list_aggregate(
        list_transform(list_filter(t.segments, lambda s: s.kind = 'answer'), lambda s: s.text),
        'string_agg', ''
    ) AS reply,
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
    )::BIGINT AS thinking_tokens,
    t.provenance.completion_tokens AS completion_tokens,
    coalesce(
        nullif(list_sum(list_transform(t.segments, lambda s: len(s.token_ids))), 0),
        t.provenance.prompt_tokens + t.provenance.completion_tokens
    )::BIGINT AS tokens,
    i.meta AS item_meta,
    t.meta,
    t.provenance.run_id AS run_id,
    t.provenance.recipe_fingerprint AS recipe_fingerprint,
    t.provenance.teacher_fingerprint AS teacher_fingerprint
FROM eligible AS t
JOIN items AS i USING (item_id)

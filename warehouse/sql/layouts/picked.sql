    SELECT
        c.position,
        t.trace_id,
        t.item_id,
        t.draw,
        i.kind,
        i.domain,
        i.source,
        t.provenance.recipe AS recipe,
        t.provenance.teacher AS teacher,
        i.text AS document,
        i.text || coalesce(
            chr(10) || chr(10) || list_aggregate(
                list_transform(
                    i.choices, lambda choice, n: chr(64 + n::INTEGER) || '. ' || choice
                ),
                'string_agg', chr(10)
            ),
            ''
        ) AS problem,
        try_cast(t.meta['document_chars'] AS INTEGER) AS document_chars,
        i.reference,
        t.answer,
        list_aggregate(
            list_transform(list_filter(t.segments, lambda s: s.kind = 'prompt'), lambda s: s.text),
            'string_agg', ''
        ) AS prompt,
        trim(list_aggregate(
            list_transform(
                list_filter(t.segments, lambda s: s.kind NOT IN ('prompt', 'answer')),
                lambda s: s.text
            ),
            'string_agg', ''
        ), chr(10)) AS thought,
        trim(coalesce(
            list_aggregate(
                list_transform(
                    list_filter(t.segments, lambda s: s.kind = 'answer'), lambda s: s.text
                ),
                'string_agg', ''
            ),
            t.answer,
            ''
        ), chr(10)) AS reply,
        coalesce(
            nullif(
                list_sum(
                    list_transform(
                        list_filter(t.segments, lambda s: s.kind = 'think'),
                        lambda s: len(s.token_ids)
                    )
                ),
                0
            ),
            t.provenance.completion_tokens
        )::BIGINT AS thinking_tokens
    FROM {ids} AS c
    JOIN traces AS t USING (trace_id)
    JOIN items AS i ON i.item_id = t.item_id

    -- A thought without loss is no part of it: who annotates thinks in private, with the gold shown.
    -- trim() walks through a text character by character, a third of a mix's time: most need none.
    SELECT * REPLACE (
        CASE
            WHEN starts_with(thought, chr(10)) OR ends_with(thought, chr(10))
                THEN trim(thought, chr(10))
            ELSE thought
        END AS thought,
        CASE
            WHEN starts_with(reply, chr(10)) OR ends_with(reply, chr(10))
                THEN trim(reply, chr(10))
            ELSE reply
        END AS reply
    )
    FROM (
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
            list_aggregate(
                list_transform(
                    list_filter(
                        t.segments,
                        lambda s: s.kind NOT IN ('prompt', 'answer')
                        AND (s.kind <> 'think' OR s.trainable)
                    ),
                    lambda s: s.text
                ),
                'string_agg', ''
            ) AS thought,
            coalesce(
                list_aggregate(
                    list_transform(
                        list_filter(t.segments, lambda s: s.kind = 'answer'), lambda s: s.text
                    ),
                    'string_agg', ''
                ),
                t.answer,
                ''
            ) AS reply,
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
    )

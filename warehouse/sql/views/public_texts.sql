-- What a trace claims and what of it may be published: one row a trace, with its item.  Every view of
-- texts, every screen and every layout reads texts from here.
--   claim: `answers` (the gold was unknown to the teacher), `explains` (the teacher was shown it) or
--   `muses` (no answer is claimed).  Traces record it; older ones have it from their recipe.
--   A thought without loss was written in private, with the gold in view: it is in no column.  Nor is
--   the prompt of a trace that explains, which names the gold: its place takes `problem`, the item's
--   text and options.  body is all between prompt and answer: thoughts, hints, code and outputs.
--   thinking_tokens is the thoughts' length in the teacher's tokens; where the endpoint does not give
--   token ids, the completion tokens, or the public thought's share of them by characters.
WITH claimed AS (
    SELECT
        t.*,
        coalesce(
            t.meta['claim'],
            CASE t.provenance.recipe
                WHEN 'thinking' THEN 'muses'
                WHEN 'annotate' THEN 'explains'
                ELSE 'answers'
            END
        ) AS claim,
        i.kind,
        i.text,
        i.reference,
        i.choices,
        i.images,
        i.domain,
        i.source,
        i.meta AS item_meta,
        i.text || coalesce(
            chr(10) || chr(10) || list_aggregate(
                list_transform(
                    i.choices, lambda choice, n: chr(64 + n::INTEGER) || '. ' || choice
                ),
                'string_agg', chr(10)
            ),
            ''
        ) AS problem
    FROM traces AS t
    JOIN items AS i USING (item_id)
),
measured AS (
    SELECT
        *,
        list_transform(
            list_filter(segments, lambda s: s.kind = 'think' AND NOT s.trainable),
            lambda s: length(s.text)
        ) AS private_characters
    FROM claimed
)
SELECT
    trace_id,
    item_id,
    draw,
    parent_trace_id,
    claim,
    kind,
    text,
    reference,
    choices,
    images,
    domain,
    source,
    problem,
    provenance.recipe AS recipe,
    provenance.teacher AS teacher,
    finish_reason,
    answer,
    CASE
        WHEN claim = 'explains' THEN problem
        ELSE list_aggregate(
            list_transform(list_filter(segments, lambda s: s.kind = 'prompt'), lambda s: s.text),
            'string_agg', ''
        )
    END AS prompt,
    list_aggregate(
        list_transform(
            list_filter(segments, lambda s: s.kind = 'think' AND s.trainable), lambda s: s.text
        ),
        'string_agg', ''
    ) AS thinking,
    list_aggregate(
        list_transform(
            list_filter(
                segments,
                lambda s: s.kind NOT IN ('prompt', 'answer') AND (s.kind <> 'think' OR s.trainable)
            ),
            lambda s: s.text
        ),
        'string_agg', ''
    ) AS body,
    list_aggregate(
        list_transform(list_filter(segments, lambda s: s.kind = 'answer'), lambda s: s.text),
        'string_agg', ''
    ) AS reply,
    coalesce(
        nullif(
            list_sum(
                list_transform(
                    list_filter(segments, lambda s: s.kind = 'think' AND s.trainable),
                    lambda s: len(s.token_ids)
                )
            ),
            0
        ),
        CASE
            WHEN len(private_characters) = 0 THEN provenance.completion_tokens
            ELSE round(
                provenance.completion_tokens
                * (1 - list_sum(private_characters) / greatest(1, list_sum(list_transform(
                    list_filter(segments, lambda s: s.kind <> 'prompt'), lambda s: length(s.text)
                ))))
            )
        END
    )::BIGINT AS thinking_tokens,
    provenance.completion_tokens AS completion_tokens,
    coalesce(
        nullif(
            list_sum(
                list_transform(
                    list_filter(
                        segments,
                        lambda s: (s.kind <> 'think' OR s.trainable)
                        AND (s.kind <> 'prompt' OR claim <> 'explains')
                    ),
                    lambda s: len(s.token_ids)
                )
            ),
            0
        ),
        provenance.prompt_tokens + provenance.completion_tokens
    )::BIGINT AS tokens,
    item_meta,
    meta,
    provenance.run_id AS run_id,
    provenance.recipe_fingerprint AS recipe_fingerprint,
    provenance.teacher_fingerprint AS teacher_fingerprint,
    provenance,
    CASE
        WHEN claim <> 'explains' AND len(private_characters) = 0 THEN segments
        ELSE list_transform(
            list_filter(segments, lambda s: s.kind <> 'think' OR s.trainable),
            lambda s: CASE
                WHEN s.kind = 'prompt' AND claim = 'explains'
                    THEN {
                        'kind': 'prompt', 'text': problem, 'token_ids': []::INTEGER[],
                        'trainable': false
                    }
                ELSE s
            END
        )
    END AS segments
FROM measured

-- The sampled traces whole but for long segments, of which head and tail are kept.
SELECT
    t.trace_id,
    t.item_id,
    t.draw,
    t.finish_reason,
    left(t.answer, $cut) AS answer,
    t.provenance.recipe AS recipe,
    t.provenance.teacher AS teacher,
    t.provenance.completion_tokens AS tokens,
    t.provenance.seconds AS seconds,
    i.kind,
    coalesce(i.domain, i.source) AS domain,
    i.source,
    left(i.reference, $cut) AS reference,
    len(t.segments) AS segments_in_all,
    list_transform(
        t.segments[:$segments],
        lambda s: {
            'kind': s.kind,
            'head': CASE WHEN length(s.text) > $head + $tail THEN left(s.text, $head) ELSE s.text END,
            'tail': CASE WHEN length(s.text) > $head + $tail THEN right(s.text, $tail) ELSE '' END,
            'chars': length(s.text),
            'tokens': len(s.token_ids),
            'trainable': s.trainable
        }
    ) AS segments
FROM lake.traces AS t
LEFT JOIN lake.items AS i USING (item_id)
WHERE t.trace_id IN (SELECT unnest($ids::VARCHAR[]))

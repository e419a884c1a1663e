-- One row a published segment: the text of every trace, laid flat.
--   position counts from 0 in the whole trace; tokens is 0 where the endpoint does not give token ids.
--   Private thoughts, and prompts that name the gold, are left out (see `public_texts`).
SELECT
    t.trace_id,
    t.item_id,
    s.position - 1 AS position,
    t.segments[s.position].kind AS kind,
    t.segments[s.position].text AS text,
    len(t.segments[s.position].token_ids) AS tokens,
    t.segments[s.position].trainable AS trainable
FROM traces AS t
JOIN (SELECT trace_id, claim FROM public_texts) AS p USING (trace_id),
    unnest(range(1, len(t.segments) + 1)) AS s (position)
WHERE (t.segments[s.position].kind <> 'think' OR t.segments[s.position].trainable)
  AND (t.segments[s.position].kind <> 'prompt' OR p.claim <> 'explains')

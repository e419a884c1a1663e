-- One row a segment: the text of every trace, laid flat.
--   position counts from 0; tokens is 0 where the endpoint does not tell token ids.
SELECT
    t.trace_id,
    t.item_id,
    s.position - 1 AS position,
    t.segments[s.position].kind AS kind,
    t.segments[s.position].text AS text,
    len(t.segments[s.position].token_ids) AS tokens,
    t.segments[s.position].trainable AS trainable
FROM traces AS t, unnest(range(1, len(t.segments) + 1)) AS s (position)

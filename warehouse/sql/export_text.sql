-- Training text: document, separator, thought between its tags; loss on all of it.
-- {where} is the user's predicate over `thoughts`; all values are bound.
SELECT
    CASE WHEN $document = 'shown'
        THEN substring(i.text, 1, coalesce(try_cast(t.meta['document_chars'] AS INTEGER), len(i.text)))
        ELSE i.text
    END || $separator || $open_tag || trim(h.thinking, chr(10)) || $close_tag AS text,
    h.thinking,
    h.answer,
    i.reference,
    h.kind,
    h.domain,
    h.source,
    h.recipe,
    h.teacher,
    h.thinking_tokens,
    h.item_id,
    h.trace_id,
    h.draw
FROM (SELECT * FROM thoughts WHERE {where}) AS h
JOIN eligible AS t USING (trace_id)
JOIN items AS i ON i.item_id = h.item_id
ORDER BY h.trace_id

-- Training text, loss on all of it: markers, document, separator, thought between its tags, answer.
WITH picked AS (
{picked}
)
SELECT
    {marked}
    || CASE $document
        WHEN 'shown' THEN substring(p.document, 1, coalesce(p.document_chars, len(p.document)))
        WHEN 'whole' THEN p.document
        ELSE ''
    END
    || CASE WHEN $document = 'none' THEN '' ELSE $separator END
    || coalesce($open_tag || p.thought || $close_tag, '')
    || CASE WHEN $answer AND p.reply <> '' THEN $separator || p.reply ELSE '' END AS text,
    p.answer,
    p.reference,
    p.kind,
    p.domain,
    p.source,
    p.recipe,
    p.teacher,
    p.thinking_tokens,
    p.item_id,
    p.trace_id,
    p.draw
FROM picked AS p
{judgements}
ORDER BY p.position

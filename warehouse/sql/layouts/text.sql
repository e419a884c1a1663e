-- Training text, loss on all of it: markers, document, separator, thought between its tags, answer.
WITH picked AS (
{picked}
)
SELECT
    {marked}
    || CASE $document
        WHEN 'shown' THEN CASE
            WHEN p.document_chars IS NULL THEN p.problem
            ELSE substring(p.document, 1, p.document_chars)
        END
        WHEN 'whole' THEN p.problem
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

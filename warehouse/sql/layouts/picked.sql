    -- What layouts of turns say of a trace: the texts of the view `public_texts`, newlines around thought
    -- and reply left out.  trim() walks through a text character by character, a third of a mix's
    -- time: most need none.
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
            p.trace_id,
            p.item_id,
            p.draw,
            p.claim,
            p.kind,
            p.domain,
            p.source,
            p.recipe,
            p.teacher,
            p.text AS document,
            p.problem,
            try_cast(p.meta['document_chars'] AS INTEGER) AS document_chars,
            p.reference,
            p.answer,
            p.prompt,
            p.body AS thought,
            coalesce(p.reply, p.answer, '') AS reply,
            p.thinking_tokens
        FROM {ids} AS c
        JOIN public_texts AS p USING (trace_id)
    )

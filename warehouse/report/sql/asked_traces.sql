-- The traces a report is about, without their texts.
SELECT
    trace_id,
    item_id,
    draw,
    parent_trace_id,
    finish_reason,
    provenance.run_id AS run_id,
    provenance.recipe AS recipe,
    provenance.recipe_fingerprint AS recipe_fingerprint,
    provenance.teacher AS teacher,
    provenance.teacher_fingerprint AS teacher_fingerprint,
    provenance.requests AS requests,
    provenance.prompt_tokens AS prompt_tokens,
    provenance.completion_tokens AS completion_tokens,
    provenance.started_at AS started_at,
    provenance.seconds AS seconds
FROM lake.traces
WHERE {where}

-- Counts from items to eligible traces, over the lake for a dataset, else over the runs asked for.  A draw that was redone has a drop and a trace: it is one
-- draw; further attempts of a draw name the first as their parent.
SELECT
    (SELECT count(*) FROM funnel_traces) AS traces,
    (SELECT count(*) FROM funnel_traces WHERE parent_trace_id IS NULL) AS drawn,
    (SELECT count(*) FROM asked_drops WHERE draw IS NULL) AS item_drops,
    (
        SELECT count(*) FROM asked_drops
        WHERE draw IS NOT NULL AND trace_id NOT IN (SELECT trace_id FROM funnel_traces)
    ) AS draw_drops,
    (SELECT coalesce(sum(completion_tokens), 0)::BIGINT FROM asked_drops) AS dropped_tokens,
    (
        SELECT count(*) FROM funnel_traces
        WHERE trace_id NOT IN (SELECT trace_id FROM asked_objections)
    ) AS eligible,
    (
        SELECT count(*) FROM funnel_traces AS t JOIN asked_outcomes AS o USING (trace_id)
        WHERE o.outcome = 'correct' AND t.trace_id NOT IN (SELECT trace_id FROM asked_objections)
    ) AS eligible_correct

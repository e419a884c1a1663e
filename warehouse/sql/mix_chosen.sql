-- What layouts read: the drawn rows by name, in their order.
CREATE OR REPLACE TEMP TABLE chosen AS
SELECT d.position, p.trace_id, d.component, d.epoch, d.size AS tokens, p.price
FROM mix_drawn AS d
JOIN mix_pool AS p ON p.rowid = d."row"

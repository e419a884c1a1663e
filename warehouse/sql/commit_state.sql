-- What a commit must know of the books: the newest entry, whether this shard has landed (its files are
-- not read here: a scan parses those of every shard), and how many shards other runs have landed in
-- this lane since this run was planned: reviews differ in lane and still may say the same of a trace,
-- so any review counts for a review.
SELECT
    coalesce(max(commit_no), 0) AS newest,
    coalesce(bool_or(shard_id = $shard_id), false) AS known,
    count(*) FILTER (
        (lane = $lane OR (starts_with(lane, 'review/') AND starts_with($lane, 'review/')))
        AND run_id <> $run_id
        AND commit_no > $since
    ) AS foreign_shards
FROM shards

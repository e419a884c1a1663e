-- What a commit must know of the books: the newest entry, the files this shard landed with (null where
-- it has not), and how many shards other runs have landed in this lane since this run was planned:
-- reviews differ in lane and still may say the same of a trace, so any review counts for a review.
SELECT
    coalesce(max(commit_no), 0) AS newest,
    any_value(files) FILTER (shard_id = $shard_id) AS known,
    count(*) FILTER (
        (lane = $lane OR (starts_with(lane, 'review/') AND starts_with($lane, 'review/')))
        AND run_id <> $run_id
        AND commit_no > $since
    ) AS foreign_shards
FROM shards

-- The lake's tables.  Their columns are the pinned Arrow schemas of schemas/arrow.py; a test holds
-- the two together.  Rows arrive as whole Parquet files through commit, never by INSERT, but for
-- `shards` and `runs`, which are the lake's own books.

CREATE TABLE items (
    item_id VARCHAR, kind VARCHAR, text VARCHAR, reference VARCHAR, choices VARCHAR[],
    images VARCHAR[], domain VARCHAR, source VARCHAR, meta MAP(VARCHAR, VARCHAR)
);

-- One item may come from several sources; `items` keeps its content once.
CREATE TABLE item_sources (item_id VARCHAR, source VARCHAR);

CREATE TABLE traces (
    trace_id VARCHAR, item_id VARCHAR, draw INTEGER, parent_trace_id VARCHAR,
    segments STRUCT(kind VARCHAR, text VARCHAR, token_ids INTEGER[], trainable BOOLEAN)[],
    answer VARCHAR, finish_reason VARCHAR,
    provenance STRUCT(
        run_id VARCHAR, recipe VARCHAR, recipe_fingerprint VARCHAR, teacher VARCHAR,
        teacher_revision VARCHAR, teacher_fingerprint VARCHAR, sampling VARCHAR, seed BIGINT,
        requests INTEGER, prompt_tokens BIGINT, completion_tokens BIGINT, started_at DOUBLE,
        seconds DOUBLE
    ),
    meta MAP(VARCHAR, VARCHAR)
);

CREATE TABLE drops (
    trace_id VARCHAR, item_id VARCHAR, draw INTEGER, stage VARCHAR, reason VARCHAR,
    detail VARCHAR, run_id VARCHAR, recipe_fingerprint VARCHAR, teacher_fingerprint VARCHAR,
    completion_tokens BIGINT
);

CREATE TABLE verdicts (
    trace_id VARCHAR, verifier VARCHAR, outcome VARCHAR, reason VARCHAR, score DOUBLE
);

CREATE TABLE scores (trace_id VARCHAR, scorer VARCHAR, value DOUBLE);

CREATE TABLE exclusions (trace_id VARCHAR, screen VARCHAR, reason VARCHAR, detail VARCHAR);

CREATE TABLE labels (
    trace_id VARCHAR, position INTEGER, labeller VARCHAR, label VARCHAR, score DOUBLE
);

-- Which traces a review has been through: what resuming a review is an anti-join against.
CREATE TABLE reviewed (trace_id VARCHAR, review VARCHAR);

CREATE TABLE gold_checks (item_id VARCHAR, verifier VARCHAR, outcome VARCHAR, reason VARCHAR);

CREATE TABLE images (
    image_id VARCHAR, path VARCHAR, format VARCHAR, width INTEGER, height INTEGER, bytes BIGINT
);

CREATE TABLE mixes (mix_id VARCHAR, name VARCHAR, spec VARCHAR, snapshot_id BIGINT, drawn_at TIMESTAMPTZ);

-- A run as it was asked for and how it ended.
CREATE TABLE runs (
    run_id VARCHAR, name VARCHAR, stage VARCHAR, config VARCHAR, started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ, state VARCHAR, summary VARCHAR
);

-- The shards that have landed, in order; a shard's files and its row here are one transaction.
CREATE TABLE shards (
    commit_no BIGINT, shard_id VARCHAR, run_id VARCHAR, lane VARCHAR,
    files STRUCT("table" VARCHAR, path VARCHAR, "rows" BIGINT)[], landed_at TIMESTAMPTZ
);

CREATE TABLE lake_version (version INTEGER);

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

-- What counts as a pass, and where the bands of difficulty lie, by category of items; a run's
-- `verify.categories` changes rows.  Scores are grades from 0 to 1 times `scale`; a pass is a score
-- above `pass_score` (DeepDistill, arXiv 2504.17565).  cv_limit and the bands are ours: the limits
-- keep 1 to 15 passes of 16.  `domains` are patterns (GLOB, lower case); the lowest position wins.
CREATE TABLE categories (
    category VARCHAR, position INTEGER, domains VARCHAR[], scale DOUBLE, pass_score DOUBLE,
    cv_limit DOUBLE, hard_below DOUBLE, easy_above DOUBLE, open_ended BOOLEAN
);
INSERT INTO categories VALUES
    ('maths', 1, ['math*', 'arithmetic*', '*algebra*', '*geometry*', 'number*', '*calculus*', 'counting*', 'probability*', 'combinatorics*', 'aime*', 'amc*', 'olympiad*'], 1, 0.99, 0.25, 0.3, 0.7, false),
    ('code', 2, ['code*', 'coding*', 'program*'], 1, 0.99, 0.25, 0.3, 0.7, false),
    ('science', 3, ['science*', 'physics*', 'chemistry*', 'biology*', 'medicine*'], 5, 4.99, 0.25, 0.3, 0.7, false),
    ('instructions', 4, ['instruction*', 'ifeval*'], 1, 0.99, 0.25, 0.3, 0.7, true),
    ('closed', 5, ['logic*', 'puzzle*', 'games*', 'trivia*'], 1, 0.99, 0.25, 0.3, 0.7, false),
    ('other', 6, [], 1, 0.7, 0.25, 0.3, 0.7, true);

-- Verifiers whose verdict is about the answer, by kind: of two that decided, the higher rank has the
-- say.  graded: their score grades the response.  Reviews add the kinds that are new to the lake.
CREATE TABLE tiers (kind VARCHAR, rank INTEGER, graded BOOLEAN);
INSERT INTO tiers VALUES
    ('cascade', 0, false), ('exact', 10, false), ('multiple_choice', 10, false),
    ('constraints', 10, true), ('symbolic', 20, false), ('reasoning_gym', 20, true),
    ('execution', 30, true), ('judge', 40, false);

CREATE TABLE images (
    image_id VARCHAR, path VARCHAR, format VARCHAR, width INTEGER, height INTEGER, bytes BIGINT
);

-- A mix that was drawn: its settings as JSON, the snapshot it was drawn from, and what came out.
CREATE TABLE mixes (
    mix_id VARCHAR, name VARCHAR, spec VARCHAR, snapshot_id BIGINT, drawn_at TIMESTAMPTZ,
    "rows" BIGINT, tokens BIGINT, draw_hash VARCHAR
);

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

"""A weighted mix to a token budget, 2,000,000 traces to Parquet: ours, HF datasets, bare DuckDB.

    python -m benchmarks.mix --rows 2000000

All do the same: problems solved sometimes, from four domains by weight, in a random order, up to a
token budget, with text, domain, source and ids in the result.  Ours draws from a lake (four traces
an item, text in segments) and writes the dataset folder with its card, checksums and record; bare
DuckDB does it in one statement from the same lake, and from one flat Parquet file with a column for
everything, which HF datasets reads too.  Loading into HF's cache is not counted.  Each run is a
process of its own; times are wall time without imports.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.line import table
from thoughtmill.schemas.mixes import MixSettings
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.export import export
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lake import Lake

WEIGHTS = {"maths": 0.4, "code": 0.3, "science": 0.2, "chat": 0.1}
TOKENS_A_ROW = 30
"""Budget in tokens for each row that is there: about two fifths of them."""
_PHRASES = 4096
_TEXT_PHRASES = 10
COLUMNS = ("text", "domain", "source", "thinking_tokens", "item_id", "trace_id")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="Where the generated rows are kept.")
    parser.add_argument("--one", choices=list(WAYS), help="Do one run in this process.")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.folder, arguments.rows)))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.folder or Path(made)
        if not (folder / "flat.parquet").exists():
            _in_process("make", folder, arguments.rows)
        compare(folder, arguments.rows, arguments.times)


def compare(folder: Path, rows: int, times: int) -> None:
    """Run every way in turn, `times` over, and print medians side by side."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS if name != "make"}
    for _ in range(times):
        for name, found in runs.items():
            found.append(_in_process(name, folder, rows))
    lines = []
    seconds = {n: statistics.median(run["seconds"] for run in r) for n, r in runs.items()}
    for name, found in runs.items():
        lines.append(
            [
                name,
                f"{seconds[name]:.2f}",
                f"{statistics.median(run['cpu'] for run in found):.2f}",
                f"{max(run['peak_mib'] for run in found):,.0f}",
                f"{found[0]['rows']:,}",
                f"{found[0]['tokens']:,}",
                f"{seconds[name] / seconds['thoughtmill']:.2f}",
            ]
        )
    head = ["way", "seconds", "CPU seconds", "peak MiB", "rows", "tokens", "time against ours"]
    print(table(head, lines))


def measure(name: str, folder: Path, rows: int) -> dict[str, float]:
    """One run: what it took, and how much it wrote."""
    work = WAYS[name](folder, rows)
    began, used = time.monotonic(), time.process_time()
    written = work()
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"seconds": seconds, "cpu": cpu, "peak_mib": peak}
    if written is None:
        return figures
    count, tokens = duckdb.sql(
        f"SELECT count(*), sum(thinking_tokens)::BIGINT FROM read_parquet('{written}')"
    ).fetchall()[0]
    return {**figures, "rows": count, "tokens": tokens}


def make(folder: Path, rows: int) -> Callable[[], None]:
    """Generate the rows, as one flat file and as a lake."""

    def work() -> None:
        settings = LakeSettings.model_validate(str(folder / "lake"))
        with Lake.create(settings) as lake:
            connection = lake.connection
            connection.execute("SELECT setseed(0.5)")
            connection.execute(_GENERATED.format(rows=rows, phrases=_PHRASES, text=_TEXT_PHRASES))
            flat = folder / "flat.parquet"
            connection.execute(
                f"COPY (SELECT * EXCLUDE (number) FROM generated) TO '{flat}' (COMPRESSION zstd)"
            )
            connection.execute(_ITEMS)
            connection.execute(_TRACES)

    return work


def ours(folder: Path, rows: int) -> Callable[[], Path]:
    """`thoughtmill mix`, without the command line around it."""
    mix = MixSettings.model_validate(
        {
            "name": "bench",
            "stage": "pretraining",
            "where": "item_meta['pass_rate']::DOUBLE BETWEEN 0.01 AND 0.99",
            "size": "completion_tokens",
            "budget": TOKENS_A_ROW * rows,
            "components": [
                {"name": name, "where": f"domain = '{name}'", "weight": weight, "epochs": 1}
                for name, weight in WEIGHTS.items()
            ],
        }
    )
    target = folder / "out-thoughtmill"
    settings = ExportSettings.model_validate(
        {
            "folder": str(target),
            "layout": {"kind": "text", "document": "none", "open_tag": "", "close_tag": ""},
            "columns": COLUMNS,
            "jsonl": False,
        }
    )
    lake = LakeSettings.model_validate(str(folder / "lake"))

    def work() -> Path:
        export(lake, settings, mix)
        return target / "data" / "*.parquet"

    return work


def bare_duckdb(folder: Path, rows: int) -> Callable[[], Path]:
    """The same in one statement: rows are chosen by their numbers, then read once more for text."""
    target = folder / "duckdb.parquet"

    def work() -> Path:
        connection = duckdb.connect(config={"memory_limit": "1GB"})
        flat = f"read_parquet('{folder / 'flat.parquet'}', file_row_number = true)"
        connection.execute(_mixed(rows, target, key="file_row_number", pool=flat, taken=flat))
        return target

    return work


def bare_duckdb_on_the_lake(folder: Path, rows: int) -> Callable[[], Path]:
    """The same from the tables of the lake: traces with their segments, joined with their items."""
    target = folder / "duckdb-lake.parquet"

    def work() -> Path:
        with Lake.open(LakeSettings.model_validate(str(folder / "lake"))) as lake:
            lake.connection.execute("SET memory_limit = '1GB'")
            lake.connection.execute(_mixed(rows, target, key="trace_id", pool=_POOL, taken=_TAKEN))
        return target

    return work


def _mixed(rows: int, target: Path, *, key: str, pool: str, taken: str) -> str:
    cases = " ".join(f"WHEN '{name}' THEN {weight}" for name, weight in WEIGHTS.items())
    return _DUCKDB.format(
        key=key,
        pool=pool,
        taken=taken,
        cases=cases,
        budget=TOKENS_A_ROW * rows,
        columns=", ".join(COLUMNS),
        target=target,
    )


def hf_datasets(folder: Path, rows: int) -> Callable[[], Path]:
    """Filter, shuffle, interleave by probabilities, cut, save."""
    import datasets

    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(
        "parquet",
        data_files=str(folder / "flat.parquet"),
        split="train",
        cache_dir=str(folder / "hf-cache"),
    )
    target = folder / "hf.parquet"

    def work() -> Path:
        datasets.disable_caching()
        parts = [
            loaded.filter(
                lambda domains, rates, name=name: [
                    domain == name and 0.01 <= rate <= 0.99
                    for domain, rate in zip(domains, rates, strict=True)
                ],
                input_columns=["domain", "pass_rate"],
                batched=True,
            ).shuffle(seed=0)
            for name in WEIGHTS
        ]
        mixed = datasets.interleave_datasets(parts, list(WEIGHTS.values()), seed=0)
        upto, taken = 0, 0
        for batch in mixed.select_columns("thinking_tokens").iter(10_000):
            for tokens in batch["thinking_tokens"]:
                upto += tokens
                if upto > TOKENS_A_ROW * rows:
                    break
                taken += 1
            else:
                continue
            break
        mixed.select(range(taken)).select_columns(list(COLUMNS)).to_parquet(str(target))
        return target

    return work


WAYS: dict[str, Callable[[Path, int], Callable[[], Path | None]]] = {
    "make": make,
    "thoughtmill": ours,
    "bare DuckDB, same lake": bare_duckdb_on_the_lake,
    "bare DuckDB, flat file": bare_duckdb,
    "HF datasets": hf_datasets,
}

_GENERATED = """
CREATE TEMP TABLE generated AS
WITH words AS (
    SELECT list(substr(md5(w::VARCHAR), 1, 3 + w % 6)) AS list FROM range(512) AS t (w)
),
phrases AS (
    SELECT list(list_aggregate(
        [words.list[1 + (hash(p, k) % 512)::INTEGER] for k in range(5)], 'string_agg', ' '
    )) AS list
    FROM range({phrases}) AS t (p), words
)
SELECT
    n AS number,
    md5('item ' || n // 4) AS item_id,
    md5('trace ' || n) AS trace_id,
    list_aggregate(
        [list[1 + (hash(n, k) % {phrases})::INTEGER] for k in range({text})], 'string_agg', ' '
    ) AS text,
    (hash(n // 4, 1) % 17) / 16 AS pass_rate,
    (50 + hash(n, 2) % 50)::BIGINT AS thinking_tokens,
    ['maths', 'code', 'science', 'chat'][1 + (hash(n // 4, 3) % 4)::INTEGER] AS domain,
    'source-' || hash(n // 4, 4) % 6 AS source
FROM range({rows}) AS t (n), phrases
"""
_ITEMS = """
INSERT INTO items
SELECT
    item_id, 'problem', 'Problem ' || min(number) || '.', 'x', [], [], any_value(domain),
    any_value(source), MAP {'pass_rate': any_value(pass_rate)::VARCHAR}
FROM generated
GROUP BY item_id
"""
_TRACES = """
INSERT INTO traces
SELECT
    trace_id, item_id, number % 4, NULL,
    [{'kind': 'think', 'text': text, 'token_ids': [], 'trainable': true}],
    NULL, 'stop',
    {
        'run_id': 'run', 'recipe': 'solve', 'recipe_fingerprint': 'r', 'teacher': 't',
        'teacher_revision': '', 'teacher_fingerprint': 't', 'sampling': '{}', 'seed': 0,
        'requests': 1, 'prompt_tokens': 10, 'completion_tokens': thinking_tokens,
        'started_at': 0, 'seconds': 1
    },
    MAP {}
FROM generated
"""
_POOL = """(
    SELECT
        t.trace_id, i.domain, t.provenance.completion_tokens AS thinking_tokens,
        i.meta['pass_rate']::DOUBLE AS pass_rate
    FROM traces AS t
    JOIN items AS i USING (item_id)
)"""
_TAKEN = """(
    SELECT
        t.trace_id, t.item_id, i.domain, i.source,
        t.provenance.completion_tokens AS thinking_tokens,
        list_aggregate(
            list_transform(list_filter(t.segments, lambda s: s.kind = 'think'), lambda s: s.text),
            'string_agg', ''
        ) AS text
    FROM traces AS t
    JOIN items AS i USING (item_id)
)"""
_DUCKDB = """
COPY (
    WITH pool AS (
        SELECT
            {key},
            domain,
            thinking_tokens,
            CASE domain {cases} END AS weight,
            md5_number_lower('0:' || trace_id) AS lot
        FROM {pool}
        WHERE pass_rate BETWEEN 0.01 AND 0.99
    ),
    ranked AS (
        SELECT
            {key},
            domain,
            thinking_tokens,
            sum(thinking_tokens) OVER (
                PARTITION BY domain ORDER BY lot ROWS UNBOUNDED PRECEDING
            ) / weight AS due
        FROM pool
    ),
    queued AS (
        SELECT
            {key},
            due,
            sum(thinking_tokens) OVER (ORDER BY due, domain ROWS UNBOUNDED PRECEDING) AS upto
        FROM ranked
    )
    SELECT {columns}
    FROM queued
    JOIN {taken} USING ({key})
    WHERE upto <= {budget}
    ORDER BY due
) TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""


def _in_process(name: str, folder: Path, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.mix", "--one", name]
    done = subprocess.run(
        [*command, "--folder", str(folder), "--rows", str(rows)],
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "HF_DATASETS_OFFLINE": "1"},
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()

"""Processes that die, and processes that work side by side, on one lake."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from tests.lakes import (
    commit_forever,
    commit_range,
    committer,
    draws_shard,
    item,
    land_items,
    settings_of,
    trace,
    write_and_wait,
)
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.lock import writer_lock
from thoughtmill.warehouse.storage import Storage

SPAWN = multiprocessing.get_context("spawn")
LONGEST_WAIT_S = 5.0
"""Two seconds, and room for a machine that is busy with something else."""


def spawn(work, *arguments):
    process = SPAWN.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def check_whole(settings) -> int:
    """Books, catalog and files say the same; returns the number of traces."""
    with Lake.open(settings) as lake:
        booked = {f["path"]: f for (files,) in lake.rows("SELECT files FROM shards") for f in files}
        shards = lake.one("SELECT count(*) FROM shards")
        assert lake.rows("SELECT count(DISTINCT shard_id), max(commit_no) FROM shards") == [
            (shards, shards or None)
        ]
        assert set(booked) <= set(lake.storage.files())
        for table in ("traces", "scores"):
            written = sum(f["rows"] for f in booked.values() if f["table"] == table)
            # DISTINCT reads the files; a bare count is answered from the catalog.
            assert lake.rows(f"SELECT count(trace_id), count(DISTINCT trace_id) FROM {table}") == [
                (written, written)
            ]
        assert lake.one("SELECT count(*) FROM traces ANTI JOIN scores USING (trace_id)") == 0
        return lake.one("SELECT count(*) FROM traces")


def test_worker_when_killed_between_write_and_commit_then_nothing_landed_and_a_rerun_lands(
    settings, tmp_path, wait_until
):
    done = tmp_path / "done"
    worker = spawn(write_and_wait, settings, "run-1", str(done))
    wait_until(done.exists)
    worker.kill()
    worker.join()
    assert {path.split("/")[1] for path in Storage(settings.data).files()} == {"traces", "scores"}
    assert check_whole(settings) == 0
    with Lake.create(settings) as lake:
        landed = committer(lake).commit(draws_shard(settings, [trace(0)], [0]))
    assert landed.rows == {"traces": 1, "scores": 1}
    assert check_whole(settings) == 1


@pytest.mark.parametrize("pause_s", [0.0, 0.037])
def test_committer_when_killed_at_any_moment_then_whole_shards_landed_and_a_rerun_lands_the_rest(
    settings, wait_until, pause_s
):
    traces = Path(settings.data) / "main" / "traces"
    writer = spawn(commit_forever, settings, "run-1")
    wait_until(lambda: traces.exists() and len(list(traces.rglob("*.parquet"))) > 3)
    until = time.monotonic() + pause_s
    wait_until(lambda: time.monotonic() >= until)
    writer.kill()
    writer.join()
    landed = check_whole(settings)
    assert landed >= 2
    with Lake.create(settings) as lake:
        rerun = committer(lake, "run-2")
        rows = [trace(n, run_id="run-2") for n in range(landed, landed + 3)]
        assert rerun.commit(draws_shard(settings, rows, range(3))).rows["traces"] == 3
    assert check_whole(settings) == landed + 3


def test_committers_when_two_processes_work_at_once_then_each_trace_lands_once_and_readers_go_on(
    tmp_path,
):
    settings = settings_of(tmp_path / "lake")
    # 20 shards each: every trace is in two or three shards, and 11 traces are in both runs.
    writers = [
        spawn(commit_range, settings, "run-1", 0, 20),
        spawn(commit_range, settings, "run-2", 10, 20, 3),
    ]
    counts, waits = [0], [0.0]
    with Lake.create(settings):
        pass
    with Lake.open(settings) as lake:
        while any(writer.is_alive() for writer in writers):
            began = time.monotonic()
            ((traces, unscored),) = lake.rows(
                "SELECT count(t.trace_id), count(*) FILTER (s.trace_id IS NULL) "
                "FROM traces AS t LEFT JOIN scores AS s USING (trace_id)"
            )
            waits.append(time.monotonic() - began)
            assert unscored == 0
            assert traces >= counts[-1]
            counts.append(traces)
            writers[0].join(0.1)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert max(waits) < LONGEST_WAIT_S
    assert check_whole(settings) == 32
    assert len(set(counts)) > 3


def test_reader_when_a_commit_is_half_done_then_it_sees_the_lake_as_before_and_does_not_wait(
    settings,
):
    with Lake.create(settings) as lake:
        land_items(lake, [item(0)])
        with writer_lock(settings):
            lake.connection.execute("BEGIN")
            lake.connection.execute("INSERT INTO scores VALUES ('t', 'mine@1', 1.0)")
            with Lake.open(settings) as reader:
                assert reader.one("SELECT count(*) FROM items") == 1
                assert reader.one("SELECT count(*) FROM scores") == 0
            lake.connection.execute("COMMIT")
    with Lake.open(settings) as reader:
        assert reader.one("SELECT count(*) FROM scores") == 1

"""Kill a run on the real engine at a random moment of generation, run it again, count the rows."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psutil
import pytest
import yaml

from thoughtmill.schemas.errors import ThoughtmillError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.lake import Lake

ITEMS, DRAWS, FLUSH_S = 150, 2, 1.0
# Beyond the flush window: one poll of the inbox, one commit, and a machine that is busy.
SLACK_S = 6.0

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rows = (
        {"text": f"A shed holds {n} crates of {n % 9 + 2} jars. On day {n} a van takes {n // 2}."}
        for n in range(ITEMS)
    )
    (tmp_path / "documents.jsonl").write_text("\n".join(map(json.dumps, rows)))
    settings = {
        "name": "survive",
        "lake": str(tmp_path / "lake"),
        "sources": [{"kind": "jsonl", "path": str(tmp_path / "documents.jsonl")}],
        "recipe": {
            "kind": "thinking",
            "min_thinking_tokens": 1,
            "sampling": {"temperature": 1.0, "max_tokens": 300},
        },
        "teacher": {"kind": "vllm", "model": "models/pico", "dtype": "float32"},
        "draws": DRAWS,
        # Few at a time, so that there is a middle to be killed in.
        "engine": {"flush_seconds": FLUSH_S, "in_flight": 24, "batch_size": 16},
    }
    path = tmp_path / "survive.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`thoughtmill run`; whatever is left of it is gone at the end."""
    command = [sys.executable, "-m", "thoughtmill.flows.cli.main", "run", str(config)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def lake_of(config: Path) -> Lake:
    return Lake.open(LakeSettings.model_validate(str(config.parent / "lake")))


def settled(config: Path) -> int:
    """Draws in the lake; 0 while there is none yet."""
    try:
        with lake_of(config) as lake:
            return int(
                lake.one("SELECT (SELECT count(*) FROM traces) + (SELECT count(*) FROM drops)")
            )
    except (ThoughtmillError, duckdb.Error):
        return 0


def wait_for_the_middle(config: Path, process: subprocess.Popen[bytes]) -> None:
    """Until some draws are in the lake, and a random moment longer."""
    while settled(config) < 20:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.2)
    time.sleep(random.uniform(0.0, 2.0))


def assert_every_draw_is_there_once(config: Path) -> None:
    with lake_of(config) as lake:
        draws = lake.rows(
            "SELECT count(*), count(DISTINCT (item_id, draw)), count(DISTINCT trace_id) FROM "
            "(SELECT item_id, draw, trace_id FROM traces UNION ALL "
            "SELECT item_id, draw, trace_id FROM drops)"
        )
        assert draws == [(ITEMS * DRAWS,) * 3]
        scores = lake.rows("SELECT count(*), count(DISTINCT (trace_id, scorer)) FROM scores")
        traces = lake.one("SELECT count(*) FROM traces")
        assert scores == [(2 * traces,) * 2]


def test_run_when_driver_is_killed_then_resumes_with_nothing_lost_or_twice(config: Path) -> None:
    with running(config) as process:
        wait_for_the_middle(config, process)
        os.kill(process.pid, signal.SIGKILL)
        killed_at = time.time()
        process.wait()
    with lake_of(config) as lake:
        before = {trace for (trace,) in lake.rows("SELECT trace_id FROM traces")}
        last = lake.one("SELECT epoch(max(landed_at)) FROM shards")
    assert 0 < len(before) < ITEMS * DRAWS
    # Rows finish all the time, so the newest commit tells how much finished work could be lost.
    assert killed_at - last < FLUSH_S + SLACK_S
    with running(config) as process:
        assert process.wait(timeout=600) == 0
    assert_every_draw_is_there_once(config)
    with lake_of(config) as lake:
        assert before <= {trace for (trace,) in lake.rows("SELECT trace_id FROM traces")}


def test_run_when_engine_worker_is_killed_then_goes_on_by_itself(config: Path) -> None:
    with running(config) as process:
        wait_for_the_middle(config, process)
        engines = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if "EngineCore" in child.name() or "EngineCor" in "".join(child.cmdline())
        ]
        assert len(engines) == 1
        engines[0].kill()
        assert process.wait(timeout=600) == 0
    assert_every_draw_is_there_once(config)


def test_run_when_ctrl_c_reaches_every_process_then_commits_what_is_finished(config: Path) -> None:
    with running(config) as process:
        wait_for_the_middle(config, process)
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
        assert process.wait(timeout=300) == 130
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    with lake_of(config) as lake:
        ended = lake.rows("SELECT stage, state FROM runs ORDER BY started_at")
        assert ended == [("ingest", "done"), ("synthesize", "stopped")]
    assert 20 <= settled(config) < ITEMS * DRAWS

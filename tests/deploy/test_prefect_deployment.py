"""The deployments on a real Prefect server and a worker, on loopback and in a home of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import yaml

from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.tasks.runtime.environment import PRIVATE
from thoughtmill.warehouse.lake import Lake

ROOT = Path(__file__).parents[2]
_ADHOC = "deployments/name/pipeline/adhoc"
_FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
T = TypeVar("T")
pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]


@dataclass
class Prefect:
    """A Prefect home, its server's API, and the processes that were started for it."""

    home: Path
    port: int
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def environment(self) -> dict[str, str]:
        """The caller's environment without its own Prefect, Ray or Thoughtmill settings."""
        ours = ("PREFECT_", "RAY_", "THOUGHTMILL_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        return kept | {
            **PRIVATE,
            "NO_PROXY": "127.0.0.1",
            "PREFECT_API_URL": self.api,
            "PREFECT_CLI_COLORS": "false",
            "PREFECT_HOME": str(self.home),
            "PREFECT_WORKER_QUERY_SECONDS": "2",
        }

    def start(self, name: str, *arguments: str) -> None:
        """Start `prefect ...` in a session of its own, so that its whole group can be ended."""
        with open(self.home / f"{name}.log", "wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "prefect", *arguments],
                cwd=self.home,
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.children.append(child)

    def call(self, *arguments: str) -> str:
        """Run `prefect ...` from the repository's root to its end, and give what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, f"prefect {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def get(self, path: str) -> Any:
        return (
            httpx.get(f"{self.api}/{path}", timeout=60, trust_env=False).raise_for_status().json()
        )

    def find(self, path: str, query: dict[str, Any]) -> list[Any]:
        answer = httpx.post(f"{self.api}/{path}/filter", json=query, timeout=60, trust_env=False)
        return list(answer.raise_for_status().json())

    def wait(self, seconds: float, what: Callable[[], T | None]) -> T:
        """The first value that is not None; fails at the deadline or when a child has died."""
        deadline = time.monotonic() + seconds
        while (value := what()) is None:
            dead = [child.args for child in self.children if child.poll() is not None]
            assert not dead, f"{dead} ended early:\n{self.logs()}"
            assert time.monotonic() < deadline, f"not there after {seconds} s:\n{self.logs()}"
            time.sleep(0.5)
        return value

    def logs(self) -> str:
        """The ends of all children's logs."""
        ends = [(log.name, log.read_text(errors="replace")) for log in self.home.glob("*.log")]
        return "\n".join(f"== {name}\n{text[-5000:]}" for name, text in ends)

    def end(self) -> None:
        """End every process group that was started, newest first."""
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait(30)


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """A server with a process pool, both deployments and a worker."""
    prefect = Prefect(tmp_path_factory.mktemp("prefect"), _free_port())
    try:
        prefect.start(
            "server", "server", "start", "--host", "127.0.0.1", "--port", str(prefect.port)
        )
        prefect.wait(600, lambda: _healthy(prefect))
        prefect.call("work-pool", "create", "thoughtmill", "--type", "process")
        prefect.call("deploy", "--prefect-file", "deploy/prefect.yaml", "--all")
        # Not the queue `nightly`: a test that runs at two in the night would start the demo.
        pool = ("--pool", "thoughtmill", "--type", "process", "--work-queue", "adhoc")
        prefect.start("worker", "worker", "start", *pool)
        yield prefect
    finally:
        prefect.end()


def test_adhoc_run_when_triggered_with_parameters_then_its_rows_are_in_the_lake(
    prefect: Prefect, tmp_path: Path
) -> None:
    config = _write(tmp_path, {"teacher": {"kind": "scripted"}})

    run = _trigger(prefect, f"config={config}", 'overrides=["draws=2"]', "limit=3")
    assert run["parameters"] == {"config": str(config), "overrides": ["draws=2"], "limit": 3}
    state = prefect.wait(500, lambda: _ended(prefect, run))
    assert state["type"] == "COMPLETED", f"{state['message']}\n{prefect.logs()}"

    with Lake.open(LakeSettings.model_validate(str(tmp_path / "lake"))) as lake:
        assert lake.one("SELECT count(*) FROM items") == 3
        pairs = lake.rows("SELECT item_id, draw FROM traces ORDER BY ALL")
        assert len(pairs) == len(set(pairs)) == 6
        assert lake.rows("SELECT DISTINCT stage, state FROM runs ORDER BY 1") == [
            ("ingest", "done"),
            ("synthesize", "done"),
        ]
    artifacts = {found["key"]: found for found in prefect.find("artifacts", {})}
    assert artifacts["ingest"]["type"] == artifacts["synthesize"]["type"] == "progress"
    assert float(artifacts["synthesize"]["data"]) == 100.0
    for stage in ("ingest", "synthesize"):
        table = artifacts[f"{stage}-summary"]
        figures = {row["figure"]: row["value"] for row in json.loads(table["data"])}
        assert table["type"] == "table"
        assert figures["stage"] == stage


def test_adhoc_run_when_cancelled_then_what_was_finished_is_in_the_lake(
    prefect: Prefect, tmp_path: Path
) -> None:
    slow = {
        "teacher": {"kind": "scripted", "delay_s": 4},
        "engine": {"in_flight": 4, "batch_size": 4, "flush_seconds": 1},
    }
    run = _trigger(prefect, f"config={_write(tmp_path, slow)}", "limit=null")
    traces = tmp_path / "lake/data/main/traces"
    prefect.wait(500, lambda: next(traces.rglob("*.parquet"), None))

    prefect.call("flow-run", "cancel", run["id"])
    # For a moment the engine says how it ended; the worker has the last word.
    prefect.wait(240, lambda: _ended(prefect, run, "CANCELLED"))

    with Lake.open(LakeSettings.model_validate(str(tmp_path / "lake"))) as lake:
        items = lake.one("SELECT count(*) FROM items")
        assert 0 < lake.one("SELECT count(*) FROM traces") < items
        assert lake.rows("SELECT state FROM runs WHERE stage = 'synthesize'") == [("stopped",)]


def test_nightly_when_deployed_then_its_next_runs_are_scheduled(prefect: Prefect) -> None:
    nightly = prefect.get("deployments/name/pipeline/nightly")
    (schedule,) = nightly["schedules"]
    assert schedule["active"]
    assert schedule["schedule"]["cron"] == "0 2 * * *"
    assert schedule["schedule"]["timezone"] == "UTC"
    query = {
        "deployments": {"id": {"any_": [nightly["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    runs = prefect.wait(120, lambda: prefect.find("flow_runs", query) or None)
    assert {run["expected_start_time"][11:16] for run in runs} == {"02:00"}


def test_adhoc_when_deployed_then_its_parameters_make_a_form(prefect: Prefect) -> None:
    adhoc = prefect.get(_ADHOC)
    fields = adhoc["parameter_openapi_schema"]["properties"]
    assert adhoc["enforce_parameter_schema"]
    assert adhoc["schedules"] == []
    assert list(fields) == ["config", "overrides", "limit"]
    assert fields["config"]["type"] == "string"
    assert {"items": {"type": "string"}, "type": "array"} in fields["overrides"]["anyOf"]
    assert "integer" in {kind["type"] for kind in fields["limit"]["anyOf"]}
    assert all(described.get("description") for described in fields.values())


def test_deployments_when_deployed_then_one_run_at_a_time_works_and_others_wait(
    prefect: Prefect,
) -> None:
    for name in ("nightly", "adhoc"):
        deployed = prefect.get(f"deployments/name/pipeline/{name}")
        assert deployed["global_concurrency_limit"]["limit"] == 1
        assert deployed["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        assert deployed["work_pool_name"] == "thoughtmill"


def _write(folder: Path, settings: dict[str, Any]) -> Path:
    """A config with a lake in `folder`.

    Its source is named relative to the repository, so that the pull step is needed to find it.
    """
    source = {
        "kind": "jsonl",
        "path": "configs/data/problems.jsonl",
        "name": "problems",
        "item_kind": "problem",
        "fields": {"text": "question", "reference": "answer"},
    }
    config = {
        "name": "deployed",
        "lake": str(folder / "lake"),
        "sources": [source],
        "recipe": {"kind": "thinking", "sampling": {"max_tokens": 256}},
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(config | settings))
    return path


def _trigger(prefect: Prefect, *parameters: str) -> dict[str, Any]:
    """Start a run of `pipeline/adhoc` from the command line, and give its flow run."""
    adhoc = {"deployments": {"id": {"any_": [prefect.get(_ADHOC)["id"]]}}}
    before = {run["id"] for run in prefect.find("flow_runs", adhoc)}
    options = [word for parameter in parameters for word in ("--param", parameter)]
    prefect.call("deployment", "run", "pipeline/adhoc", *options)
    (run,) = (run for run in prefect.find("flow_runs", adhoc) if run["id"] not in before)
    return dict(run)


def _ended(prefect: Prefect, run: dict[str, Any], *kinds: str) -> dict[str, Any] | None:
    """The state of a run once it is one of `kinds`, or any that is final."""
    state = prefect.get(f"flow_runs/{run['id']}")["state"]
    return dict(state) if state["type"] in (kinds or _FINAL) else None


def _healthy(prefect: Prefect) -> bool | None:
    try:
        return bool(prefect.get("health")) or None
    except httpx.HTTPError:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

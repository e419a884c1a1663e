"""The lake's record of runs: what was asked for, when, by whom, and how it ended."""

from __future__ import annotations

import os
import secrets
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import orjson

from thoughtmill.schemas.errors import LakeError
from thoughtmill.warehouse.extensions import first_line
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.lock import writer_lock

HEARTBEAT_S = 60.0
"""How often a running stage says that it is alive; the view `run_report` allows for five misses."""


def new_run_id(name: str) -> str:
    """A run is an event, not content: its id is its name, when it began, and four hex digits."""
    return f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def begin_run(lake: Lake, run_id: str, *, name: str, stage: str, config: str) -> None:
    """Record a stage of a run; `config` is JSON.

    Stages whose process on this machine is gone are marked `lost` first.
    """
    _mark_lost(lake)
    _write(
        lake,
        "INSERT INTO runs VALUES (?, ?, ?, ?, now(), NULL, 'running', ?)",
        [run_id, name, stage, config, _sign_of_life()],
    )


def heartbeat(lake: Lake, run_id: str, *, stage: str) -> None:
    """Record that a running stage is alive."""
    _write(
        lake,
        "UPDATE runs SET summary = ? WHERE run_id = ? AND stage = ? AND state = 'running'",
        [_sign_of_life(), run_id, stage],
    )


def end_run(
    lake: Lake,
    run_id: str,
    *,
    stage: str,
    state: str,
    summary: dict[str, object],
    reason: str | None = None,
) -> None:
    """Record how a stage ended: `done`, `stopped` or `failed`, its figures, and why it failed."""
    figures = summary if reason is None else {**summary, "reason": reason}
    _write(
        lake,
        "UPDATE runs SET ended_at = now(), state = ?, summary = ? WHERE run_id = ? AND stage = ? "
        "AND state = 'running'",  # the same stage may come again, with another teacher
        [state, orjson.dumps(figures).decode(), run_id, stage],
    )


def owner_is_gone(owner: str | None) -> bool:
    """Whether a process `host:pid:start` of this machine has ended; false for another machine's."""
    host, _, process = (owner or "").rpartition(":")[0].rpartition(":")
    return bool(process) and host == socket.gethostname() and _process(int(process)) != owner


def _mark_lost(lake: Lake) -> None:
    running = lake.rows(
        "SELECT DISTINCT run_id, stage, summary ->> '$.owner' FROM runs WHERE state = 'running'"
    )
    for run_id, stage, owner in running:
        if owner_is_gone(owner):
            _write(
                lake,
                "UPDATE runs SET state = 'lost', ended_at = to_timestamp("
                "(summary ->> '$.heartbeat')::DOUBLE) "
                "WHERE run_id = ? AND stage = ? AND state = 'running'",
                [run_id, stage],
            )


def _sign_of_life() -> str:
    owner = _process(os.getpid())
    return orjson.dumps({"owner": owner, "heartbeat": time.time()}).decode()


def _process(pid: int) -> str | None:
    """`host:pid:start` of a process, its start in clock ticks since boot; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return f"{socket.gethostname()}:{pid}:{fields[19]}"


def _write(lake: Lake, sql: str, parameters: list[str]) -> None:
    try:
        with writer_lock(lake.settings):
            lake.connection.execute(sql, parameters)
    except duckdb.Error as exc:
        raise LakeError(f"can't write the lake's record of runs: {first_line(exc)}") from exc

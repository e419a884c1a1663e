"""The lake's book of runs: what was asked for, when, and how it ended."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import duckdb
import orjson

from schemas.errors import LakeError
from warehouse.extensions import first_line
from warehouse.lake import Lake
from warehouse.lock import writer_lock


def new_run_id(name: str) -> str:
    """A run is an event, not content: its id is its name, when it began, and four hex digits."""
    return f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def begin_run(lake: Lake, run_id: str, *, name: str, stage: str, config: str) -> None:
    """Enter a stage of a run; `config` is JSON."""
    _write(
        lake,
        "INSERT INTO runs VALUES (?, ?, ?, ?, now(), NULL, 'running', NULL)",
        [run_id, name, stage, config],
    )


def end_run(lake: Lake, run_id: str, *, stage: str, state: str, summary: dict[str, object]) -> None:
    """Note how a stage ended: `done`, `stopped` or `failed`, and its figures."""
    _write(
        lake,
        "UPDATE runs SET ended_at = now(), state = ?, summary = ? WHERE run_id = ? AND stage = ? "
        "AND state = 'running'",  # the same stage may come again, with another teacher
        [state, orjson.dumps(summary).decode(), run_id, stage],
    )


def _write(lake: Lake, sql: str, parameters: list[str]) -> None:
    try:
        with writer_lock(lake.settings):
            lake.connection.execute(sql, parameters)
    except duckdb.Error as exc:
        raise LakeError(f"can't write the lake's book of runs: {first_line(exc)}") from exc

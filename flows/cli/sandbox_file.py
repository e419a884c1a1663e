"""`thoughtmill sandbox FILE`: run blocks of Python in the sandbox, row by row.

Rows are JSON objects `{"id": ..., "blocks": ["...", ...]}`, one a line; the blocks of a row share a
session.  For each comes `{"id": ..., "results": [{"output", "error", "timed_out", "seconds"}]}`,
in the order of the input, with every further column but `error` as it came; a line that is not such
a row gives `{"id", "results": [], "error"}`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sandbox import (
    BubblewrapSandbox,
    Sandbox,
    UnsafeProcessSandbox,
    open_sandbox,
)
from thoughtmill.tasks.sandbox.session import SandboxError

_PER_CORE = 4


class _Job(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    id: str | int
    blocks: list[str]


def sandbox_file(
    path: Path | str,
    out: TextIO,
    settings: BubblewrapSandbox | UnsafeProcessSandbox | None = None,
) -> int:
    """Run a file (`-`: standard input), write rows to `out`; returns how many lines were bad.

    Raises `ConfigError` where the file cannot be read or the machine lacks what the sandbox needs,
    and `BrokenPipeError` where nobody reads `out` any more.
    """
    if str(path) != "-" and not Path(path).is_file():
        raise ConfigError(f"{path}: no such file; `-` reads standard input")
    try:
        return asyncio.run(_run(path, out, settings or BubblewrapSandbox()))
    except ExceptionGroup as group:
        if group.split(BrokenPipeError)[1] is None:
            raise BrokenPipeError from group
        raise


async def _run(
    path: Path | str, out: TextIO, settings: BubblewrapSandbox | UnsafeProcessSandbox
) -> int:
    bad = 0
    at_once = _PER_CORE * (settings.blocks_at_once or os.cpu_count() or 1)
    waiting: asyncio.Queue[asyncio.Task[dict[str, Any]] | None] = asyncio.Queue(at_once)

    async def write() -> None:
        nonlocal bad
        while task := await waiting.get():
            row = await task
            bad += "error" in row
            out.write(orjson.dumps(row).decode() + "\n")
            out.flush()

    async with open_sandbox(settings) as sandbox, asyncio.TaskGroup() as group:
        group.create_task(write())
        async for number, line in _lines(path):
            await waiting.put(group.create_task(_row(sandbox, number, line)))
        await waiting.put(None)
    return bad


async def _lines(path: Path | str) -> AsyncIterator[tuple[int, bytes]]:
    """Lines that are not empty, as they come: standard input may be somebody typing."""
    source = nullcontext(sys.stdin.buffer) if str(path) == "-" else Path(path).open("rb")  # noqa: SIM115
    with source as file:
        number = 0
        while line := await asyncio.to_thread(file.readline):
            number += 1
            if line.strip():
                yield number, line


async def _row(sandbox: Sandbox, number: int, line: bytes) -> dict[str, Any]:
    """What became of one line."""
    try:
        read = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return _refused(None, f"line {number}: not JSON: {error}")
    try:
        job = _Job.model_validate(read)
    except ValidationError as error:
        id_ = read.get("id") if isinstance(read, dict) else None
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "row"
        return _refused(id_, f"line {number}: {place}: {first['msg']}")
    try:
        async with sandbox.session() as session:
            results = [await session.run(block) for block in job.blocks]
    except SandboxError as error:
        return _refused(job.id, f"line {number}: {error}")
    kept = {"output", "error", "timed_out", "seconds"}
    done = [result.model_dump(include=kept) for result in results]
    further = {key: value for key, value in (job.model_extra or {}).items() if key != "error"}
    return {**further, "id": job.id, "results": done}


def _refused(id_: Any, error: str) -> dict[str, Any]:
    return {"id": id_, "results": [], "error": error}

"""Whole programs in sandbox sessions: the `CodeRunner` that the `execution` tier asks.

A session takes blocks, as a notebook does; a program wants standard input, its own output and an
exit code.  So one block reads the program and its input, runs it as `__main__` with descriptors of
its own, and prints what came of it as one JSON line.  A program that forges that line fools only
the test it fails: it is not told the output wanted.
"""

from __future__ import annotations

from pathlib import Path

import orjson
from pydantic import ValidationError

from thoughtmill.schemas.base import Row
from thoughtmill.schemas.ids import content_hash
from thoughtmill.tasks.sandbox import BubblewrapSandbox, Sandbox, SandboxConfig
from thoughtmill.tasks.sandbox.session import MAX_CODE_CHARACTERS, SandboxError
from thoughtmill.tasks.verifiers.remote import MAX_OUTPUT_CHARS, CodeRun

_BLOCK = (Path(__file__).parent.parent / "verifiers" / "program.txt").read_text()
_SPARE_S = 1.0


class _Report(Row):
    exit_code: int
    stdout: str
    stderr: str
    out_of_memory: bool


def program_sandbox(settings: SandboxConfig | None) -> Sandbox:
    """A sandbox whose blocks may print a whole report; not started yet."""
    wanted = settings or BubblewrapSandbox()
    return Sandbox(
        wanted.model_copy(update={"output_head": 0, "output_tail": 14 * MAX_OUTPUT_CHARS})
    )


class Programs:
    """Runs each program in a session of its own."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, code: str, *, stdin: str, timeout_s: float) -> CodeRun:
        """Raises `SandboxError` where no session can be had, never for what the code does."""
        mark = content_hash("report", code, stdin)
        asked = orjson.dumps(
            {"code": code, "stdin": stdin, "mark": mark, "chars": MAX_OUTPUT_CHARS}
        ).decode()
        block = _BLOCK.replace("{asked}", repr(asked))
        if len(block) > MAX_CODE_CHARACTERS:
            raise SandboxError("sandbox: program and input are too long")
        async with self._sandbox.session(seed=0) as session:
            # The program's own limit is what it may take; starting and reporting come on top.
            result = await session.run(block, timeout_s=timeout_s + _SPARE_S)
        if result.timed_out or result.seconds > timeout_s + _SPARE_S:
            return CodeRun(stdout="", exit_code=None, timed_out=True)
        report = _report(result.output, mark)
        if report is None:
            if not session.parent.alive:
                raise SandboxError("sandbox: it died under a program")
            return CodeRun(stdout="", exit_code=None, stderr=result.error or "")
        return CodeRun(
            stdout=report.stdout,
            exit_code=report.exit_code,
            out_of_memory=report.out_of_memory,
            stderr=report.stderr,
        )


def _report(output: str, mark: str) -> _Report | None:
    """The report in a block's output; None where the program ended without one."""
    _, found, text = output.rpartition(mark)
    if not found:
        return None
    try:
        return _Report.model_validate(orjson.loads(text.strip()))
    except (orjson.JSONDecodeError, ValidationError):
        return None

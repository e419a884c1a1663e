"""Verifiers that ask somebody else: a teacher, or a sandbox.  They wait, so they are coroutines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from thoughtmill.tasks.teachers.protocol import Teacher
from thoughtmill.tasks.verifiers.verifier import Evidence, Opinion, Verifier

MAX_OUTPUT_CHARS = 100_000
"""Most characters of a program's output, or of its errors, that are kept."""


@dataclass(frozen=True, slots=True)
class CodeRun:
    """What came of running a program."""

    stdout: str
    exit_code: int | None
    """None where it was killed."""
    timed_out: bool = False
    out_of_memory: bool = False
    stderr: str = ""


class CodeRunner(Protocol):
    """A sandbox: runs one Python program from nothing, cut off from everything else."""

    async def __call__(self, code: str, *, stdin: str, timeout_s: float) -> CodeRun:
        """Raises `ThoughtmillError` where the sandbox fails, never for what the code does."""
        ...


@dataclass(frozen=True)
class Helpers:
    """Whom the verifiers of a cascade may ask."""

    teacher: Teacher | None = None
    run: CodeRunner | None = None
    at_once: int = 64
    """Questions under way at a time."""


class RemoteVerifier(Verifier):
    """A verifier whose opinion is asked for with `ask` instead of `opinion`."""

    def signed(self, helpers: Helpers) -> str:
        """The name its verdicts carry, with the teacher's where one is asked."""
        return self.name

    async def ask(self, evidence: Evidence, helpers: Helpers) -> Opinion:
        """The opinion.  Raises `TeacherDown` where nobody can answer any more."""
        raise NotImplementedError

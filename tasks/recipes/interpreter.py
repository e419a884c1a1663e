"""The interpreter of one trace: blocks in, output segments' text back, by the protocol's limits.

Source: CoRT (arXiv 2506.09820), the interpreter protocol.  State lives in a real session, opened at
the first block; blocks are never replayed.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from pydantic import Field

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.fences import FENCE, OUTPUT
from thoughtmill.tasks.sandbox import Sandbox, Session


class Limits(Frozen):
    """What a trace may ask of the interpreter; how long an output may be is the sandbox's."""

    max_calls: int = Field(default=15, gt=0)
    """Blocks that are run."""
    timeout_s: float = Field(default=30.0, gt=0)
    """Longest time for one block; names defined before are gone where it takes longer."""
    notice: str = "[That was the last call: no more code can be run.]"
    """Closes the last call's output, and stands in place of any further one."""


class Interpreter:
    """A session of one trace.  `async with` ends it; raises `SandboxError` where there is none."""

    def __init__(self, sandbox: Sandbox, seed: int, limits: Limits) -> None:
        self._sandbox, self._seed, self._limits = sandbox, seed, limits
        self._session: Session | None = None
        self._open = AsyncExitStack()
        self.calls = 0
        """Blocks that were run."""
        self.seconds = 0.0
        """Time they took."""

    async def run(self, code: str) -> str:
        """What the block printed, and its traceback; a block past the limit is not run."""
        limits = self._limits
        if self.calls >= limits.max_calls:
            return limits.notice
        self.calls += 1
        if self._session is None or not self._session.alive:
            await self._open.aclose()
            sessions = self._sandbox.session(seed=self._seed)
            self._session = await self._open.enter_async_context(sessions)
        result = await self._session.run(code, timeout_s=limits.timeout_s)
        self.seconds += result.seconds
        text = result.text.rstrip("\n")
        if self.calls < limits.max_calls:
            return text
        return f"{text}\n{limits.notice}" if text else limits.notice

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()


def output_block(text: str) -> str:
    """An output as the teacher is shown it."""
    return f"{FENCE}{OUTPUT}\n{text}\n{FENCE}\n"

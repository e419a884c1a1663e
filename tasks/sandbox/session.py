"""One session: blocks go in, results come out, and what the session says is never trusted.

The code in a session may do to its own process what it likes, so a reply is checked for size,
form and number, and cut again.  Time is measured here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import orjson
from pydantic import ValidationError

from thoughtmill.schemas.base import Row
from thoughtmill.schemas.errors import ThoughtmillError
from thoughtmill.tasks.sandbox.inside.capture import Clip
from thoughtmill.tasks.sandbox.inside.wire import HEADER_BYTES, encode
from thoughtmill.tasks.sandbox.parent import End, Parent

GRACE_S = 0.5
"""A block is asked to stop at its time-out, and its session is killed so long after."""
MAX_CODE_CHARACTERS = 1 << 20


class SandboxError(ThoughtmillError):
    """The sandbox gave no session."""


class BlockResult(Row):
    """What came of one block."""

    output: str
    """Standard output and standard error, the last expression's value with them; cut."""
    error: str | None
    """The traceback, or why the session ended; null where the block ran to its end."""
    timed_out: bool
    """Whether it was stopped for taking too long; its session has ended then."""
    seconds: float
    """Wall time, without the wait for a free core."""
    text: str
    """Output and error in one, cut to the same length: what a teacher is shown."""


class _Reply(Row):
    output: str
    error: str | None
    text: str
    timed_out: bool
    number: int


class Session:
    """State that lasts from block to block.  Made by `Sandbox.session`."""

    def __init__(
        self,
        parent: Parent,
        id_: int,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        timeout_s: float,
        head: int,
        tail: int,
        turns: asyncio.Semaphore,
    ) -> None:
        self.parent, self.id = parent, id_
        self._reader, self._writer = streams
        self._timeout_s, self._head, self._tail = timeout_s, head, tail
        self._turns, self._turn = turns, asyncio.Lock()
        self._number = 0
        self._over: str | None = None
        self._parked = False
        self._idle_since = time.monotonic()

    @property
    def alive(self) -> bool:
        """False once a block timed out, its process died or the sandbox has gone."""
        return self._over is None and self.parent.alive

    async def run(self, code: str, *, timeout_s: float | None = None) -> BlockResult:
        """Run a block; one at a time.  In a session that has ended it says so as an error."""
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        if len(code) > MAX_CODE_CHARACTERS:
            return self._failed(f"ValueError: a block of {len(code)} characters is too long", 0.0)
        async with self._turn, self._turns:
            if self._over is not None:
                return self._failed(f"SessionEnded: {self._over}", 0.0)
            started = time.perf_counter()
            late = False
            try:
                async with asyncio.timeout(limit_s + GRACE_S):
                    reply = await self._ask(code, limit_s)
            except TimeoutError:
                late = True
                self.end(f"a block ran longer than {limit_s:g} s")
            except BaseException:
                self.end("a block was abandoned")
                raise
            finally:
                self._idle_since = time.monotonic()
            seconds = time.perf_counter() - started
            if late:  # the hard way: the output has died with its process
                return self._failed(_too_long(limit_s), seconds, timed_out=True)
            if reply is None:
                why = await self._why()
                self.end(why)
                return self._failed(f"SessionEnded: {self._over}", seconds)
            return self._result(reply, limit_s, seconds)

    async def hello(self) -> None:
        """Wait for the session to have locked itself in; `SandboxError` where it could not."""
        message = await self._message()
        if message != {"ready": True}:
            failed = message.get("failed") if isinstance(message, dict) else None
            raise SandboxError(f"sandbox: no session: {failed or await self._why()}")

    def end(self, why: str) -> None:
        """Kill all its processes; nothing of it is left a moment later."""
        if self._over is None:
            self._over = why
            self.parent.tell("end", [self.id])
            self._writer.close()

    def idle_for(self, seconds: float) -> bool:
        """Whether it has run nothing for so long, and is not parked yet."""
        resting = not self._turn.locked() and not self._parked and self.alive
        return resting and time.monotonic() - self._idle_since > seconds

    def parked(self) -> None:
        """Its processes have been stopped; the next block wakes them."""
        self._parked = True

    async def _ask(self, code: str, limit_s: float) -> _Reply | None:
        if self._parked:
            self._parked = False
            self.parent.tell("wake", [self.id])
        self._number += 1
        try:
            self._writer.write(encode({"code": code, "timeout_s": limit_s, "number": self._number}))
            await self._writer.drain()
            reply = _Reply.model_validate(await self._message())
        except (OSError, ValidationError):
            return None
        return reply if reply.number == self._number else None

    async def _message(self) -> Any:
        """The next message, None where the session has gone or babbles."""
        try:
            size = int.from_bytes(await self._reader.readexactly(HEADER_BYTES), "big")
            # Three texts, up to twelve bytes of JSON a character.
            if size > 4096 + 36 * (self._head + self._tail + 100):
                return None
            return orjson.loads(await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, OSError, orjson.JSONDecodeError):
            return None

    async def _why(self) -> str:
        """Why there was no reply: it is dead, or it has broken the protocol and must be."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                end: End = await asyncio.shield(self.parent.ended(self.id))
                return str(end)
        return "it sent something that is not a reply"

    def _result(self, reply: _Reply, limit_s: float, seconds: float) -> BlockResult:
        output, error, text = self._cut(reply.output), reply.error, reply.text
        if reply.timed_out:
            self.end(f"a block ran longer than {limit_s:g} s")
            error = _too_long(limit_s)
            text = f"{output}\n{error}" if output.strip() else error
        return BlockResult(
            output=output,
            error=None if error is None else self._cut(error),
            timed_out=reply.timed_out,
            seconds=seconds,
            text=self._cut(text),
        )

    def _cut(self, text: str) -> str:
        """As long as an honest session makes it, or cut to that."""
        if len(text) <= self._head + self._tail + 60:
            return text
        clip = Clip(self._head, self._tail)
        clip.add(text)
        return clip.text()

    def _failed(self, error: str, seconds: float, *, timed_out: bool = False) -> BlockResult:
        return BlockResult(output="", error=error, timed_out=timed_out, seconds=seconds, text=error)


def _too_long(limit_s: float) -> str:
    return f"TimeoutError: the block ran longer than {limit_s:g} s; the session has ended"

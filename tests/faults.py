"""An inbox whose connection fails: a proxy that drops, delays, doubles and breaks calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from typing import Any

from ray.exceptions import ActorUnavailableError

from thoughtmill.tasks.runtime.inbox import Inbox

KINDS = ("none", "lost_call", "lost_reply", "late", "doubled", "doubled_late", "unavailable")
"""What can happen to a call."""


class Reply:
    """What a remote call gives: awaited in an event loop, or a future for a thread."""

    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def future(self) -> Future[Any]:
        return self._future

    def __await__(self) -> Iterator[Any]:
        return asyncio.wrap_future(self._future).__await__()


class FaultyInbox:
    """The real inbox on a loop of its own behind a bad line; `schedule` is worked off in order.

    After the schedule all calls go through.
    """

    def __init__(self, schedule: list[str]) -> None:
        self._schedule = iter(schedule)
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self.met: list[str] = []
        """The faults that calls have met."""
        self.late: list[asyncio.Future[None]] = []
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.inbox = asyncio.run_coroutine_threadsafe(_make(), self._loop).result()

    def __getattr__(self, method: str) -> _Method:
        return _Method(self, method)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def run(self, work: Coroutine[Any, Any, Any]) -> Reply:
        return Reply(asyncio.run_coroutine_threadsafe(work, self._loop))

    def next_fault(self) -> str:
        with self._lock:
            kind = next(self._schedule, "none")
            self.met.append(kind)
            return kind


class _Method:
    def __init__(self, proxy: FaultyInbox, name: str) -> None:
        self._proxy, self._name = proxy, name

    def remote(self, *values: Any) -> Reply:
        return self._proxy.run(self._call(self._proxy.next_fault(), values))

    async def _call(self, kind: str, values: tuple[Any, ...]) -> Any:
        call = getattr(self._proxy.inbox, self._name)
        if kind == "lost_call":
            raise ConnectionResetError("the call never arrived")
        if kind == "unavailable":
            raise ActorUnavailableError("the connection broke", None)
        if kind == "late":
            await asyncio.sleep(0.05)
        answer = await call(*values)
        if kind == "doubled":
            await call(*values)
        if kind == "doubled_late":
            self._proxy.late.append(asyncio.ensure_future(_later(call, values)))
        if kind == "lost_reply":
            raise ConnectionResetError("the answer never arrived")
        return answer


async def _later(call: Any, values: tuple[Any, ...]) -> None:
    await asyncio.sleep(0.1)
    await call(*values)


async def _make() -> Inbox:
    return Inbox()

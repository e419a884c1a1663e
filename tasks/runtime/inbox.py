"""The inbox between workers and driver: manifests in, the request to stop out.

One small actor per run.  A manifest is announced when its shard is on disk, outside Ray Data's own
output, so neither a slow item nor a repeated micro-batch holds back or loses finished work.

Every message may be lost, late or doubled.  So each call is idempotent, `Line` repeats it until it
has returned normally, and a shard counts as delivered only when the driver has committed it.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import ray
from ray.exceptions import ActorDiedError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from thoughtmill.schemas.errors import ThoughtmillError
from thoughtmill.schemas.manifest import Manifest

_WAITERS = 10_000
_AT_ONCE = 8
"""Manifests the driver takes at a time: they are acknowledged together once all have landed."""
_SILENT_S = 30.0
"""A worker without a heartbeat for so long has nothing more to hand in."""
_BEAT_S = 5.0
_IDLE_S = 0.2
_ACK_S = 10.0
_REPLY_S = 30.0
"""Longest time for an answer beyond what the call itself waits; then it is asked again."""
_PATIENCE_S = 300.0
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 5.0


class InboxLost(ThoughtmillError):
    """Worker and driver can't reach each other any more."""


@dataclass(frozen=True)
class Mail:
    """What the driver finds in the inbox."""

    manifests: list[Manifest]
    """Announced and not committed yet; the same ones again until they are acknowledged."""
    failure: ThoughtmillError | None
    """The first failure that a worker reported."""
    over: bool
    """Whether the workers were asked to stop and all that are alive have handed in."""


class Inbox:
    """Holds manifests until the driver has committed them.  All calls may be repeated."""

    def __init__(self) -> None:
        self._waiting: dict[str, Manifest] = {}
        self._landed: set[str] = set()
        self._landings: dict[str, asyncio.Event] = {}
        self._arrived = asyncio.Event()
        self._stop = asyncio.Event()
        self._booted: set[str] = set()
        self._beats: dict[str, float] = {}
        self._handed_in: set[str] = set()
        self._announced: npt.NDArray[np.bool_] = np.zeros(1024, dtype=bool)
        self._failure: ThoughtmillError | None = None

    async def boot(self, worker: str) -> int:
        """Count a worker that starts; how many have started so far, it included."""
        self._booted.add(worker)
        return len(self._booted)

    async def fail(self, error: ThoughtmillError) -> None:
        """Report what no worker can recover from, and stop them; the first report counts."""
        self._failure = self._failure or error
        self._stop.set()

    async def beat(self, worker: str, handed_in: bool, wait_s: float) -> bool:
        """A worker is alive.  Whether it is to stop; waits up to `wait_s` for that.

        `handed_in` says that it was asked to stop and has announced all it had.
        """
        self._beats[worker] = time.monotonic()
        if handed_in:
            self._handed_in.add(worker)
        await _within(self._stop, wait_s)
        return self._stop.is_set()

    async def put(self, manifest: Manifest, wait_s: float) -> bool:
        """Announce a shard.  Whether it has been committed; waits up to `wait_s` for that."""
        name = manifest.announcement
        if name not in self._landed:
            self._note(manifest.slots)
            self._waiting[name] = manifest
            self._arrived.set()
            await _within(self._landings.setdefault(name, asyncio.Event()), wait_s)
        return name in self._landed

    async def announced(self, slots: bytes) -> bytes:
        """Which of these rows of the plan have been announced: one byte per slot, 0 or 1."""
        asked = np.frombuffer(slots, dtype="<i8")
        return bytes(self._announced_up_to(asked)[asked])

    async def take(self, wait_s: float, landed: Sequence[str], stop: bool) -> Mail:
        """Acknowledge what has landed, ask the workers to stop or not, and give what is waiting.

        `landed` are announcements that the driver has committed; waits up to `wait_s` for a
        manifest.
        """
        for name in landed:
            self._landed.add(name)
            self._waiting.pop(name, None)
            if (landing := self._landings.pop(name, None)) is not None:
                landing.set()
        if stop:
            self._stop.set()
        if not self._waiting:
            self._arrived.clear()
            await _within(self._arrived, wait_s)
        some = list(self._waiting.values())[:_AT_ONCE]
        return Mail(some, self._failure, self._over())

    def _over(self) -> bool:
        alive = {name for name, at in self._beats.items() if time.monotonic() - at < _SILENT_S}
        return self._stop.is_set() and alive <= self._handed_in

    def _note(self, slots: bytes) -> None:
        some = np.frombuffer(slots, dtype="<i8")
        self._announced_up_to(some)[some] = True

    def _announced_up_to(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """The flags of announced rows, long enough for `slots`."""
        missing = int(slots.max(initial=0)) + 1 - len(self._announced)
        if missing > 0:
            more = np.zeros(max(missing, len(self._announced)), dtype=bool)
            self._announced = np.concatenate([self._announced, more])
        return self._announced


async def _within(event: asyncio.Event, wait_s: float) -> None:
    if wait_s > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), wait_s)


def open_inbox() -> Any:
    """An inbox beside the driver: it outlives every node but the driver's own."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor = ray.remote(num_cpus=0, max_concurrency=_WAITERS)(Inbox)
    return actor.options(scheduling_strategy=here).remote()


def end_process(ended: Future[Any]) -> None:
    """Callback of what a worker does all its life: where that ends, the process must not live on.

    Ray starts another and repeats what was under way; a process without its loop would hang.
    """
    if not ended.cancelled():
        if (error := ended.exception()) is not None:
            traceback.print_exception(error)
        os._exit(1)


class Line:
    """Calls to an inbox, repeated until one has returned normally.

    Raises `InboxLost` after `patience_s` seconds without an answer, and at once where the inbox is
    known to be dead.
    """

    def __init__(
        self, inbox: Any, *, patience_s: float = _PATIENCE_S, reply_s: float = _REPLY_S
    ) -> None:
        self._inbox = inbox
        self._patience_s = patience_s
        self._reply_s = reply_s

    async def ask(self, method: str, *values: Any, wait_s: float = 0.0) -> Any:
        """Call a method from a worker's event loop; `wait_s` is how long the call itself waits."""
        pauses = self._pauses()
        while True:
            pause_s = next(pauses)
            try:
                answer = getattr(self._inbox, method).remote(*values)
                return await asyncio.wait_for(answer, wait_s + self._reply_s)
            except (RayError, OSError) as exc:  # TimeoutError among them
                self._give_up(exc, pause_s)
            await asyncio.sleep(pause_s)

    def call(self, method: str, *values: Any, wait_s: float = 0.0) -> Any:
        """Call a method from a thread."""
        pauses = self._pauses()
        while True:
            pause_s = next(pauses)
            try:
                answer = getattr(self._inbox, method).remote(*values).future()
                return answer.result(wait_s + self._reply_s)
            except (RayError, OSError) as exc:
                self._give_up(exc, pause_s)
            time.sleep(pause_s)

    async def deliver(self, manifest: Manifest) -> None:
        """Announce a shard; returns when it has been committed."""
        while not await self.ask("put", manifest, _ACK_S, wait_s=_ACK_S):
            pass

    async def attend(self, worker: str, stop: Callable[[], None], idle: Callable[[], bool]) -> None:
        """Send heartbeats for ever; `stop` is called once when the workers are asked to stop.

        From then on `idle` tells whether the worker has announced all it had.
        """
        while not await self.ask("beat", worker, False, _BEAT_S, wait_s=_BEAT_S):
            pass
        stop()
        while True:
            await self.ask("beat", worker, idle(), 0.0)
            await asyncio.sleep(_IDLE_S)

    def _pauses(self) -> Iterator[float]:
        """Seconds to wait before the call is repeated; negative where it is not."""
        until = time.monotonic() + self._patience_s
        pause_s = _FIRST_PAUSE_S
        while True:
            yield pause_s * random.uniform(0.5, 1.0) if time.monotonic() < until else -1.0
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _give_up(self, exc: Exception, pause_s: float) -> None:
        """Raise `InboxLost` where another try is of no use."""
        if pause_s < 0 or isinstance(exc, ActorDiedError):
            lines = str(exc).strip().splitlines() or [type(exc).__name__]
            raise InboxLost(f"workers and driver can't reach each other: {lines[0]}") from exc

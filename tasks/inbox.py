"""The way back from the workers: manifests in, and the word to stop out.

One small actor a run.  A manifest is announced the moment its shard is on disk, outside Ray Data's
own output, so neither a slow item nor a repeated micro-batch holds back or loses finished work.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from schemas.errors import ThoughtmillError
from schemas.manifest import Manifest

_WAITERS = 10_000


@ray.remote(num_cpus=0, max_concurrency=_WAITERS)
class Inbox:
    """Holds manifests until the driver takes them."""

    def __init__(self) -> None:
        self._manifests: list[Manifest] = []
        self._arrived = asyncio.Event()
        self._stop = asyncio.Event()
        self._boots = 0
        self._handed_in = 0
        self._failure: ThoughtmillError | None = None

    async def fail(self, error: ThoughtmillError) -> None:
        """Report what no worker can get over, and stop them; the first report counts."""
        self._failure = self._failure or error
        self._stop.set()

    async def failure(self) -> ThoughtmillError | None:
        return self._failure

    async def boot(self) -> int:
        """Count a worker that starts; how many have started so far, it included."""
        self._boots += 1
        return self._boots

    async def put(self, manifest: Manifest) -> None:
        self._manifests.append(manifest)
        self._arrived.set()

    async def take(self, timeout_s: float) -> list[Manifest]:
        """All manifests that have arrived; waits up to `timeout_s` for the first."""
        # With a timeout of 0, Python 3.11's wait_for times out even where the event is set: what
        # has arrived is taken either way.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), timeout_s)
        taken, self._manifests = self._manifests, []
        self._arrived.clear()
        return taken

    async def stop(self) -> None:
        """Ask the workers to give up what is under way and to hand in what is finished."""
        self._stop.set()

    async def hand_in(self) -> None:
        """A worker that was asked to stop has put all it had."""
        self._handed_in += 1

    async def over(self) -> bool:
        """Whether the workers were asked to stop and all of them have handed in."""
        return self._stop.is_set() and self._handed_in >= self._boots

    async def stopped(self) -> None:
        """Returns when the workers are asked to stop."""
        await self._stop.wait()


def open_inbox() -> Any:
    """An inbox beside the driver: it outlives every node but the driver's own."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return Inbox.options(scheduling_strategy=here).remote()  # type: ignore[attr-defined]

"""Verdicts on draws the moment they end, for hundreds of items at once.

Claims that come in while a batch is judged make up the next one, so the answers of many items go to
the verifier processes together and equal ones are compared once.
"""

from __future__ import annotations

import asyncio

from thoughtmill.schemas.rows import Verdict
from thoughtmill.tasks.verification.batch import NO_VERIFIER, NOBODY
from thoughtmill.tasks.verifiers import Cascade, Claim, Workers

_BATCHES = 4
"""Batches judged side by side: a claim that takes seconds holds up those of its batch alone."""
_START_S = 60.0


class BatchJudge:
    """Judges claims in batches; one event loop uses it."""

    def __init__(self, cascade: Cascade, workers: Workers) -> None:
        self._cascade = cascade
        self._workers = workers
        # The pool is made by its first call, and batches call from several threads.
        workers.map(abs, [0], timeout_s=_START_S)
        self._waiting: list[tuple[Claim, asyncio.Future[list[Verdict]]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def verdicts(self, claim: Claim) -> list[Verdict]:
        """The verdicts on a claim, tier by tier; one of nobody's where no tier speaks to it."""
        future: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
        self._waiting.append((claim, future))
        if len(self._under_way) < _BATCHES:
            work = asyncio.create_task(self._judge())
            self._under_way.add(work)
            work.add_done_callback(self._under_way.discard)
        return await future

    async def _judge(self) -> None:
        """Judge what waits until nothing does."""
        await asyncio.sleep(0)  # whatever else ends in this turn of the loop comes along
        while self._waiting:
            batch, self._waiting = self._waiting, []
            claims = [claim for claim, _ in batch]
            try:
                found = await asyncio.to_thread(self._cascade.local, claims, self._workers)
            except Exception as exc:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(exc)
                continue
            for (claim, future), verdicts in zip(batch, found, strict=True):
                if not future.done():
                    future.set_result(verdicts or [_nobodys(claim)])


def _nobodys(claim: Claim) -> Verdict:
    return Verdict(
        trace_id=claim.trace_id,
        verifier=NOBODY,
        outcome=NO_VERIFIER.outcome,
        reason=NO_VERIFIER.reason,
    )

"""The engine loop: one teacher, many draws under way, finished rows leaving as shards.

A worker is a Ray Data actor.  It owns an event loop and a teacher for its whole life; every draw is
a coroutine on that loop, so a long thought or a tool call holds up nobody else, and the engine's
batch never drains at a micro-batch boundary.
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import uvloop

from thoughtmill.schemas.arrow import SCHEMAS, from_table
from thoughtmill.schemas.claims import without_private
from thoughtmill.schemas.errors import LakeError, TeacherDown, ThoughtmillError
from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.rows import Drop, Item, Score, Trace, Verdict
from thoughtmill.schemas.settings import EngineSettings
from thoughtmill.schemas.teachers import EndpointTeacher, TeacherConfig
from thoughtmill.tasks.grading.item import Grader
from thoughtmill.tasks.grading.settings import GradeSettings, Population
from thoughtmill.tasks.recipes.context import Kit, Lane
from thoughtmill.tasks.recipes.recipe import Recipe
from thoughtmill.tasks.runtime.inbox import InboxLost, Line, end_process
from thoughtmill.tasks.runtime.loop import looping
from thoughtmill.tasks.sandbox import BubblewrapSandbox, Sandbox, SandboxConfig
from thoughtmill.tasks.scores.scorer import Scorer
from thoughtmill.tasks.synthesis.attempt import attempt
from thoughtmill.tasks.teachers import start
from thoughtmill.tasks.teachers.protocol import TeacherIdentity
from thoughtmill.warehouse.shards import write_draws
from thoughtmill.warehouse.storage import Storage

_Ended = Sequence[Trace | Drop | Verdict]
_Begin = Callable[[], Coroutine[Any, Any, _Ended]]
_IDLE_FLUSH_S = 0.2
_COMMIT_S = 0.05
"""Room for one commit of the driver: so many workers together must not write more shards."""
_COLLECT_EVERY = 20_000
_WAITING = 2
"""Draws under way for each request that an endpoint serves at once: some run code meanwhile."""
_ITEM_COLUMNS = SCHEMAS["items"].names


@dataclass(frozen=True)
class Job:
    """Everything a worker must know; small, and pickled once per worker."""

    lane: Lane
    recipe: Recipe
    teacher: TeacherConfig
    scorers: tuple[Scorer, ...]
    engine: EngineSettings
    data: str
    """The lake's data path."""
    sandbox: SandboxConfig | None = None
    """Where model-written code runs; not started for a recipe that needs none."""
    grade: GradeSettings | None = None
    """Items are planned instead of draws, and each is drawn until its band is settled."""
    population: Population | None = None
    """What fits the lake's pass rates, for a grading that asks for it."""


def lane_of(run_id: str, recipe: Recipe, teacher: TeacherIdentity) -> Lane:
    """The lane of one recipe with one teacher."""
    return Lane(
        run_id=run_id,
        recipe=recipe.kind,
        recipe_fingerprint=recipe.fingerprint,
        teacher=teacher.name,
        teacher_revision=teacher.revision,
        teacher_fingerprint=teacher.fingerprint(recipe.sampling),
        sampling=recipe.sampling.merged(teacher.defaults),
        claim=recipe.claim,
    )


@dataclass(eq=False)
class _Batch:
    """A micro-batch under way: how many rows are still drawn, and the shards of the others."""

    left: int = 0
    drawn: asyncio.Event = field(default_factory=asyncio.Event)
    shards: set[asyncio.Event] = field(default_factory=set)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    """What went wrong beside the draws themselves."""


@dataclass
class _Finished:
    """Draws that wait for the next shard, and the event that tells they have been committed."""

    ended: list[Trace | Drop | Verdict] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    since: float = 0.0
    landed: asyncio.Event = field(default_factory=asyncio.Event)


class Worker:
    """Callable class for `map_batches`: a table of planned draws in, their number out.

    A call returns when all its draws have been committed, or given up because the run stops: when
    it is asked to, the endpoint is gone or a shard can't be written.  The inbox gets a report of
    the last two.  Ray Data may hand a micro-batch over again: rows that are under way here, or that
    any worker has announced, are not drawn twice.

    A dead vLLM engine, an inbox out of reach and a fault in the loop itself end the process, so
    that Ray starts a new one and repeats what was under way.
    """

    def __init__(self, job: Job, inbox: Any) -> None:
        engine = job.engine
        self._name = secrets.token_hex(8)
        self._line = Line(inbox)
        try:
            if self._line.call("boot", self._name) > engine.workers * (1 + engine.restarts):
                raise TeacherDown(
                    f"the engines died {engine.restarts} times over: --verbose shows their logs"
                )
            self._teacher = start(job.teacher)
        except ThoughtmillError as exc:
            self._line.call("fail", exc)
            raise
        self._job = job
        self._storage = Storage(job.data)
        self._loop = uvloop.new_event_loop()
        self._waiting: asyncio.Queue[tuple[int, _Begin, _Batch]] = asyncio.Queue()
        self._finished = _Finished()
        self._open: dict[int, _Batch] = {}
        self._working: set[asyncio.Task[Any]] = set()
        self._flushing = 0
        self._stopping = False
        self._leaving = False
        self._failed = False
        looping(self._loop)
        # The libraries' own objects never die, but a full collection would visit them each time:
        # measured, a quarter of a worker's CPU time behind an endpoint.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_EVERY, 20, 20)
        self._sandbox: Sandbox | None = None
        if job.recipe.needs_sandbox:
            self._sandbox = self._open_sandbox(job.sandbox or BubblewrapSandbox())
        self._grader = Grader(job.grade, job.population) if job.grade else None
        places = engine.in_flight
        if isinstance(job.teacher, EndpointTeacher):  # who waits for a turn runs out of time
            places = min(places, _WAITING * job.teacher.max_concurrency)
        attending = self._line.attend(self._name, self._stop, self._idle)
        lasting = (*(self._draw() for _ in range(places)), self._keep_house(), attending)
        self._lasting = [asyncio.run_coroutine_threadsafe(one, self._loop) for one in lasting]
        for running in self._lasting:
            running.add_done_callback(end_process)

    async def __call__(self, batch: pa.Table) -> dict[str, list[int]]:
        work = asyncio.run_coroutine_threadsafe(self._batch(batch), self._loop)
        return {"draws": [await asyncio.wrap_future(work)]}

    def _open_sandbox(self, settings: SandboxConfig) -> Sandbox:
        sandbox = Sandbox(settings)
        try:
            asyncio.run_coroutine_threadsafe(sandbox.start(), self._loop).result()
        except ThoughtmillError as exc:
            self._line.call("fail", exc)
            raise
        return sandbox

    async def _batch(self, batch: pa.Table) -> int:
        slots = batch.column("slot").to_pylist()
        items = from_table(Item, batch.select(_ITEM_COLUMNS))
        planned = batch.column("done" if self._grader else "draw").to_pylist()
        work: Callable[[Item, Any], Coroutine[Any, Any, _Ended]]
        work = self._graded if self._grader else self._attempt
        under_way = _Batch()
        twins = {self._open[slot] for slot in slots if slot in self._open}
        announced = await self._line.ask("announced", np.array(slots, "<i8").tobytes())
        try:
            for slot, item, what, known in zip(slots, items, planned, announced, strict=True):
                if known:
                    continue
                if (twin := self._open.setdefault(slot, under_way)) is not under_way:
                    twins.add(twin)
                else:
                    under_way.left += 1
                    self._waiting.put_nowait((slot, partial(work, item, what), under_way))
            if under_way.left:
                await under_way.drawn.wait()
            for landed in under_way.shards:
                await landed.wait()
        finally:
            for slot in slots:
                if self._open.get(slot) is under_way:
                    del self._open[slot]
            under_way.over.set()
        for twin in twins:
            await twin.over.wait()
        for error in (one.error for one in (under_way, *twins)):
            if error is not None:
                raise error
        return len(slots)

    async def _draw(self) -> None:
        """One of the places where draws are under way; each lives as long as the worker."""
        place = asyncio.current_task()
        assert place is not None
        while True:
            slot, begin, batch = await self._waiting.get()
            if not self._stopping and not self._failed:
                self._working.add(place)
                try:
                    try:
                        ended = await begin()
                    finally:
                        self._working.discard(place)
                    self._finish(slot, ended, batch)
                    if len(self._finished.ended) >= self._job.engine.shard_rows:
                        await self._flush()
                except asyncio.CancelledError:
                    place.uncancel()
                except TeacherDown:
                    pass  # the inbox has the report
                except InboxLost:
                    raise
                except Exception as exc:
                    batch.error = exc
            batch.left -= 1
            if not batch.left:
                batch.drawn.set()

    def _finish(self, slot: int, ended: _Ended, batch: _Batch) -> None:
        """Put a row of the plan that has ended to those that wait for the next shard."""
        finished = self._finished
        if not finished.slots:
            finished.since = time.monotonic()
        finished.ended.extend(ended)
        finished.slots.append(slot)
        batch.shards.add(finished.landed)

    async def _graded(self, item: Item, done: Sequence[dict[str, Any]]) -> _Ended:
        """What an item gave that is graded; `done` are its draws in the lake."""
        assert self._grader is not None
        outcomes = {draw["draw"]: draw["outcome"] for draw in done}
        return await self._grader.grade(item, outcomes, partial(self._attempt, item))

    async def _attempt(self, item: Item, draw: int) -> _Ended:
        """What a draw gave; raises `TeacherDown` where no other draw would fare better."""
        lane = self._job.lane
        name = trace_id(item.item_id, lane.recipe_fingerprint, lane.teacher_fingerprint, draw)
        kit = Kit(self._teacher, lane, item.item_id, draw, name, self._sandbox, self._storage)
        try:
            return await attempt(self._job.recipe, item, kit, self._job.engine.item_timeout_s)
        except TeacherDown as exc:
            await self._give_up(exc)
            raise

    async def _give_up(self, exc: TeacherDown) -> None:
        if self._job.teacher.kind == "vllm":
            if self._leaving:
                await asyncio.Event().wait()  # until another place has written what is finished
            self._leaving = True
            await self._flush()
            while self._flushing:
                await asyncio.sleep(_COMMIT_S)
            os._exit(1)
        await self._fail(exc)

    async def _fail(self, exc: ThoughtmillError) -> None:
        self._failed = True
        await self._line.ask("fail", exc)  # which asks all workers to stop, this one included

    async def _flush(self) -> None:
        """Write what is finished as a shard, announce it and wait until it has been committed."""
        finished, self._finished = self._finished, _Finished()
        self._flushing += 1
        try:
            await self._line.deliver(await asyncio.to_thread(self._write, finished))
        except InboxLost:
            raise
        except ThoughtmillError as exc:
            await self._fail(exc)
        except Exception as exc:
            await self._fail(LakeError(f"a shard can't be written: {type(exc).__name__}: {exc}"))
        finally:
            self._flushing -= 1
        finished.landed.set()

    def _write(self, finished: _Finished) -> Any:
        return write_draws(
            self._storage,
            run_id=self._job.lane.run_id,
            lane=self._job.lane.name,
            ended=finished.ended,
            scores=self._scores(finished.ended),
            slots=finished.slots,
        )

    def _scores(self, ended: Iterable[Trace | Drop | Verdict]) -> Iterable[Score]:
        traces = [row for row in ended if isinstance(row, Trace)]
        return (scorer(without_private(t)) for t in traces for scorer in self._job.scorers)

    def close(self) -> None:
        """End what the worker does all its life, for a process that is to go on without it."""
        for running in self._lasting:
            running.cancel()

    def _stop(self) -> None:
        """Give up open work."""
        self._stopping = True
        for place in self._working:
            place.cancel()

    def _idle(self) -> bool:
        return not (self._working or self._finished.slots or self._flushing)

    async def _keep_house(self) -> None:
        """Flush by time, when nothing is under way and when asked to stop."""
        limit = max(self._job.engine.flush_seconds, _COMMIT_S * self._job.engine.workers)
        while True:
            await asyncio.sleep(min(_IDLE_FLUSH_S, limit))
            overdue = time.monotonic() - self._finished.since >= limit
            if self._finished.slots and (overdue or self._stopping or not self._working):
                await self._flush()

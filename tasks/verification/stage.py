"""The review stage: traces that are in the lake go through verifiers, scorers and labellers.

Ray Data streams a plan's Parquet files to an actor pool in large micro-batches, shards of verdicts
come back; the driver sees manifests and nothing else.  Gold checks go the same way, with items for
traces.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy

from thoughtmill.schemas.arrow import from_table
from thoughtmill.schemas.errors import TeacherDown, ThoughtmillError
from thoughtmill.schemas.manifest import Manifest
from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.schemas.settings import EngineSettings
from thoughtmill.schemas.teachers import VllmTeacher
from thoughtmill.tasks.runtime.inbox import InboxLost, Line, end_process, open_inbox
from thoughtmill.tasks.runtime.loop import looping
from thoughtmill.tasks.runtime.stream import Over, Stopping, manifests
from thoughtmill.tasks.sandbox import SandboxConfig
from thoughtmill.tasks.teachers import start
from thoughtmill.tasks.teachers.protocol import Teacher
from thoughtmill.tasks.verification.batch import Known, Reviewing, gold_checks
from thoughtmill.tasks.verification.sandbox import Programs, program_sandbox
from thoughtmill.tasks.verification.settings import VerifySettings
from thoughtmill.tasks.verifiers import Helpers, Opinion, Workers
from thoughtmill.warehouse.shards import write_gold_checks, write_review
from thoughtmill.warehouse.storage import Storage

GOLD_LANE = "gold"
_SLICE = 128
"""Traces that are Python objects at a time: token ids take ten times their room in Arrow."""
_CALLS = 3
"""Micro-batches an actor has open: one is judged, the next is read, the last is being committed."""
_CORES_AN_ACTOR = 4


@dataclass(frozen=True)
class ReviewJob:
    """Everything an actor must know; small, and pickled once per actor."""

    run_id: str
    lane: str
    """Lane of the review, or `GOLD_LANE`."""
    settings: VerifySettings
    engine: EngineSettings
    data: str
    """The lake's data path."""
    sandbox: SandboxConfig | None = None

    @property
    def gold(self) -> bool:
        return self.lane == GOLD_LANE

    @property
    def asks_teacher(self) -> bool:
        return self.settings.needs_teacher and not self.gold


def stream_reviews(job: ReviewJob, plan: str, *, stopping: Stopping) -> Iterator[Manifest | None]:
    """Review a plan (URL of a folder of Parquet files); see `tasks.stream.manifests`."""
    inbox = open_inbox()
    actors, gpus = _actors(job), _gpus(job)

    def drive(over: Over) -> None:
        rows = ray.data.read_parquet(plan).repartition(
            target_num_rows_per_block=job.settings.micro_batch
        )
        reviewed = rows.map_batches(
            Reviewer,
            fn_constructor_args=(job, inbox, actors),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(
                size=actors,
                max_tasks_in_flight_per_actor=_CALLS,
                max_concurrent_calls_per_actor=_CALLS,
            ),
            num_cpus=0 if gpus else 1,
            num_gpus=gpus,
        )
        for _ in reviewed.iter_internal_ref_bundles():
            if over():
                break  # a stop must not walk through the rest of the plan

    return manifests(inbox, drive, stopping)


class Reviewer:
    """Callable class for `map_batches`: a table of planned traces in, their number out.

    A call returns when all its rows are on disk and announced.  It owns an event loop, a pool of
    verifier processes and, where they are needed, a sandbox and a teacher.
    """

    def __init__(self, job: ReviewJob, inbox: Any, actors: int) -> None:
        self._job, self._line = job, Line(inbox)
        self._name = secrets.token_hex(8)
        self._open: set[asyncio.Task[Manifest]] = set()
        self._delivering = 0
        self._stopping = False
        self._loop = looping()
        self._storage = Storage(job.data)
        cores = len(os.sched_getaffinity(0))
        self._workers = Workers(min(job.settings.processes, cores))
        try:
            if self._line.call("boot", self._name) > actors * (1 + job.engine.restarts):
                raise TeacherDown(
                    f"the reviewers died {job.engine.restarts} times over: --verbose shows why"
                )
            self._helpers = self._helpers_of(job)
        except ThoughtmillError as exc:
            self._line.call("fail", exc)
            raise
        attending = self._line.attend(self._name, self._stop, self._idle)
        asyncio.run_coroutine_threadsafe(attending, self._loop).add_done_callback(end_process)

    async def __call__(self, batch: pa.Table) -> dict[str, list[int]]:
        work = asyncio.run_coroutine_threadsafe(self._batch(batch), self._loop)
        return {"traces": [await asyncio.wrap_future(work)]}

    def _helpers_of(self, job: ReviewJob) -> Helpers:
        teacher: Teacher | None = None
        run = None
        if job.asks_teacher and job.settings.teacher is not None:
            teacher = start(job.settings.teacher)
        if job.settings.needs_sandbox:
            sandbox = program_sandbox(job.sandbox)
            asyncio.run_coroutine_threadsafe(sandbox.start(), self._loop).result()
            run = Programs(sandbox)
        return Helpers(teacher=teacher, run=run, at_once=job.settings.at_once)

    def _stop(self) -> None:
        """Give up what is under way."""
        self._stopping = True
        for work in self._open:
            work.cancel()

    def _idle(self) -> bool:
        return not self._open and not self._delivering

    async def _batch(self, batch: pa.Table) -> int:
        """Review a batch; what is under way when the run is asked to stop is given up."""
        if self._stopping:
            return 0
        work = asyncio.create_task(self._gold(batch) if self._job.gold else self._traces(batch))
        self._open.add(work)
        self._delivering += 1
        try:
            manifest = await work
            self._open.discard(work)
            await self._line.deliver(manifest)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            return 0
        except BaseException as exc:
            await self._give_up(exc)
            raise
        finally:
            self._open.discard(work)
            self._delivering -= 1
        return int(batch.num_rows)

    async def _give_up(self, exc: BaseException) -> None:
        while isinstance(exc, BaseExceptionGroup) and exc.exceptions:
            exc = exc.exceptions[0]
        teacher = self._job.settings.teacher
        down = isinstance(exc, TeacherDown) and teacher is not None and teacher.kind == "vllm"
        if down or isinstance(exc, InboxLost):
            os._exit(1)  # Ray starts another actor and repeats the batch
        if isinstance(exc, ThoughtmillError):
            await self._line.ask("fail", exc)

    async def _traces(self, batch: pa.Table) -> Manifest:
        reviewing = Reviewing(self._job.settings)
        ids: list[str] = []
        for at in range(0, batch.num_rows, _SLICE):
            part = batch.slice(at, _SLICE)
            for trace, item, known in zip(
                _rows(Trace, part, "trace"), _rows(Item, part, "item"), _known(part), strict=True
            ):
                reviewing.add(trace, item, known)
                ids.append(trace.trace_id)
            await asyncio.sleep(0)
        review = await reviewing.finish(self._workers, self._helpers)
        slots = dict(zip(ids, batch.column("slot").to_pylist(), strict=True))
        reviewed = [name for name in ids if name not in review.unfinished]
        open_ = sorted(review.unfinished)
        return await asyncio.to_thread(
            write_review,
            self._storage,
            run_id=self._job.run_id,
            lane=self._job.lane,
            reviewed=reviewed,
            unfinished=open_,
            unfinished_slots=[slots[name] for name in open_],
            rows=review.rows,
            slots=[slots[name] for name in reviewed],
            outcomes=review.outcomes,
        )

    async def _gold(self, batch: pa.Table) -> Manifest:
        items = _rows(Item, batch, "item")
        cascade = self._job.settings.cascade
        checks = await gold_checks(cascade, items, self._workers, self._helpers)
        return await asyncio.to_thread(
            write_gold_checks,
            self._storage,
            run_id=self._job.run_id,
            lane=GOLD_LANE,
            checks=checks,
            slots=batch.column("slot").to_pylist(),
        )


def _rows(model: type[Any], batch: pa.Table, column: str) -> list[Any]:
    return from_table(model, pa.Table.from_struct_array(batch.column(column)))


def _known(batch: pa.Table) -> list[Known]:
    columns = (batch.column(name).to_pylist() for name in ("verdicts", "scorers", "labellers"))
    return [
        Known(
            {v["verifier"]: Opinion(v["outcome"], v["reason"], v["score"]) for v in verdicts},
            frozenset(scorers),
            frozenset(labellers),
        )
        for verdicts, scorers, labellers in zip(*columns, strict=True)
    ]


def _actors(job: ReviewJob) -> int:
    if job.settings.workers is not None:
        return job.settings.workers
    if job.asks_teacher:
        return 1
    return max(1, int(ray.cluster_resources().get("CPU", 1)) // _CORES_AN_ACTOR)


def _gpus(job: ReviewJob) -> float:
    """GPUs that Ray sets aside for one actor."""
    teacher = job.settings.teacher
    if not job.asks_teacher or not isinstance(teacher, VllmTeacher):
        return 0
    if teacher.gpus_per_engine is not None:
        return teacher.gpus_per_engine
    from thoughtmill.tasks.teachers.vllm import cpu_build

    return 0 if cpu_build() else teacher.tensor_parallel_size

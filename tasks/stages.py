"""The stages as Prefect tasks: each opens the lake, streams its shards into it and keeps the books.

Prefect sees a stage, never a row; its artifacts show progress and the final figures.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import httpx
import orjson
from prefect import task
from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE

from schemas.base import Row
from schemas.errors import BudgetSpent
from schemas.manifest import Manifest
from schemas.settings import EngineSettings, ExportSettings, LakeSettings
from schemas.teachers import TeacherConfig
from tasks.cluster import ray_session
from tasks.ingest import stream_items
from tasks.interrupt import Interrupt, graceful_interrupt
from tasks.progress import StageProgress
from tasks.recipes import AnyRecipe
from tasks.sandbox import BubblewrapSandbox, SandboxConfig, launch
from tasks.scores import AnyScorer
from tasks.sources import AnySource
from tasks.synthesize import stream_draws
from tasks.teachers import check
from tasks.teachers.identity import identify
from tasks.worker import Job, lane_of
from warehouse.commit import Committer, newest_entry
from warehouse.export import export
from warehouse.lake import Lake
from warehouse.plan import plan_draws
from warehouse.runs import begin_run, end_run
from warehouse.shards import ITEMS_LANE

FAILURES = ("teacher_error", "recipe_error", "timeout")
"""Drop reasons that count against a run's error budget: something broke, nothing was refused."""
_LEAST_FAILURES = 20
_ARTIFACT_EVERY_S = 5.0


class StageSummary(Row):
    """What a stage did."""

    stage: str
    run_id: str
    rows: dict[str, int]
    """Rows landed, by table."""
    drops: dict[str, int]
    """Drops landed, by reason."""
    repeated: int = 0
    """Rows that were in the lake already."""
    pending: int = 0
    """Draws still to be done when the stage ended."""
    completion_tokens: int = 0
    seconds: float
    stopped: bool = False
    """Whether it was asked to stop before its end."""

    def joined(self, other: StageSummary) -> StageSummary:
        """The figures of two stages of one run as those of one, such as two teachers' draws."""
        return self.model_copy(
            update={
                "rows": dict(Counter(self.rows) + Counter(other.rows)),
                "drops": dict(Counter(self.drops) + Counter(other.drops)),
                "repeated": self.repeated + other.repeated,
                "pending": self.pending + other.pending,
                "completion_tokens": self.completion_tokens + other.completion_tokens,
                "seconds": self.seconds + other.seconds,
                "stopped": self.stopped or other.stopped,
            }
        )


@task(name="ingest", cache_policy=NO_CACHE)
def ingest_stage(
    lake: LakeSettings,
    sources: Sequence[AnySource],
    run_id: str,
    name: str,
    ray_address: str | None,
) -> StageSummary:
    """Read all sources into the lake's items."""
    with _stage(lake, run_id, name, "ingest", {"sources": _dumped(sources)}) as stage:
        stage.begin(total=None, unit="rows")
        with ray_session(ray_address):
            shards = stream_items(sources, run_id, lake.data, stopping=stage.interrupt.asked)
            committer = Committer(stage.lake, run_id, ITEMS_LANE, since=newest_entry(stage.lake))
            stage.land(shards, committer)
        return stage.summary()


@task(name="synthesize", cache_policy=NO_CACHE)
def synthesize_stage(
    lake: LakeSettings,
    recipe: AnyRecipe,
    teacher: TeacherConfig,
    scores: Sequence[AnyScorer],
    engine: EngineSettings,
    run_id: str,
    name: str,
    sources: Sequence[str] | None,
    items: str,
    draws: int,
    max_items: int | None,
    redo: Sequence[str],
    sandbox: SandboxConfig | None = None,
) -> StageSummary:
    """Do the draws that are wanted and not settled yet."""
    check(teacher)
    if recipe.needs_sandbox:
        launch.require(sandbox or BubblewrapSandbox())
    who = identify(teacher)
    lane = lane_of(run_id, recipe, who)
    config = {"recipe": recipe.model_dump(mode="json"), "teacher": teacher.model_dump(mode="json")}
    with _stage(lake, run_id, name, "synthesize", config) as stage:
        plan = plan_draws(
            stage.lake,
            run_id,
            recipe_fingerprint=lane.recipe_fingerprint,
            teacher_fingerprint=lane.teacher_fingerprint,
            draws=draws,
            sources=sources,
            where=items,
            max_items=max_items,
            redo=redo,
        )
        stage.begin(total=plan.pending, unit="draws", done_before=plan.wanted - plan.pending)
        committer = Committer(stage.lake, run_id, lane.name, plan.pending, plan.since)
        job = Job(lane, recipe, teacher, tuple(scores), engine, lake.data, sandbox)
        try:
            if plan.pending:
                with ray_session(engine.ray_address):
                    url = stage.lake.storage.url(plan.folder)
                    shards = stream_draws(job, url, stopping=stage.interrupt.asked)
                    stage.land(shards, committer, error_budget=engine.error_budget)
        finally:
            stage.lake.storage.delete_folder(plan.folder)
        return stage.summary()


@task(name="publish", cache_policy=NO_CACHE)
def publish_stage(lake: LakeSettings, settings: ExportSettings) -> dict[str, Any]:
    """Export a selection; see `warehouse.export.export`."""
    result = export(lake, settings)
    figures = {
        "folder": str(result.folder),
        "rows": result.rows,
        "columns": list(result.columns),
        "snapshot": result.snapshot,
    }
    with _optional():
        create_table_artifact(key="published", table=[figures])
    return figures


class _Stage:
    """A stage under way: its lake, its progress and its figures."""

    def __init__(self, lake: Lake, run_id: str, stage: str, interrupt: Interrupt) -> None:
        self.lake, self.run_id, self.stage, self.interrupt = lake, run_id, stage, interrupt
        self._rows: dict[str, int] = {}
        self._repeated = 0
        self._progress = StageProgress(stage, total=None, unit="rows")
        self._artifact: UUID | None = None
        self._artifact_at = 0.0
        self._committer: Committer | None = None

    def begin(self, *, total: int | None, unit: str, done_before: int = 0) -> None:
        """Show the stage; `total` rows are to come."""
        self._progress = StageProgress(self.stage, total=total, unit=unit)
        note = f"{total:,} {unit} to do" if total is not None else "reading"
        if done_before:
            note += f", {done_before:,} done before"
        with _optional():
            made = create_progress_artifact(0.0, key=self.stage, description=note)
            self._artifact = made if isinstance(made, UUID) else None

    def land(
        self,
        shards: Iterator[Manifest | None],
        committer: Committer,
        *,
        error_budget: float | None = None,
    ) -> None:
        """Commit shards as they come.  Raises `BudgetSpent` past the error budget."""
        self._committer = committer
        with self._progress as progress:
            for manifest in shards:
                if manifest is None:
                    progress.tick()
                else:
                    landed = committer.commit(manifest)
                    for table, rows in landed.rows.items():
                        self._rows[table] = self._rows.get(table, 0) + rows
                    self._repeated += landed.repeated
                    main = ("items", "traces", "drops")
                    progress.add(
                        sum(landed.rows.get(table, 0) for table in main),
                        tokens=manifest.completion_tokens,
                        drops=manifest.drops if landed.rows.get("drops") else None,
                    )
                self._show()
                if error_budget is not None:
                    self._check_budget(error_budget)

    def summary(self) -> StageSummary:
        """The stage's figures so far."""
        committer = self._committer
        return StageSummary(
            stage=self.stage,
            run_id=self.run_id,
            rows=self._rows,
            drops=dict(self._progress.drops),
            repeated=self._repeated,
            pending=committer.planned - committer.settled if committer else 0,
            completion_tokens=self._progress.tokens,
            seconds=self._progress.seconds,
            stopped=self.interrupt.asked(),
        )

    def _check_budget(self, budget: float) -> None:
        failed = sum(self._progress.drops[reason] for reason in FAILURES)
        planned = self._progress.total or 0
        if failed >= max(_LEAST_FAILURES, budget * planned) or (planned and failed == planned):
            raise BudgetSpent(
                f"{failed} of {planned} draws failed ({self._progress.note()}): see "
                '`thoughtmill sql "FROM drop_reasons"`, mend the cause, then run again with '
                "--set 'redo=[teacher_error,recipe_error,timeout]'"
            )

    def _show(self) -> None:
        progress = self._progress
        if self._artifact is None or time.monotonic() - self._artifact_at < _ARTIFACT_EVERY_S:
            return
        self._artifact_at = time.monotonic()
        share = 100.0 * progress.rows / progress.total if progress.total else 0.0
        with _optional():
            update_progress_artifact(self._artifact, min(share, 100.0), description=progress.note())

    def close(self) -> None:
        """The last artifacts."""
        summary = self.summary()
        with _optional():
            if self._artifact is not None:
                update_progress_artifact(self._artifact, 100.0, description=self._progress.note())
            create_table_artifact(
                key=f"{self.stage}-summary",
                table=[{"figure": k, "value": str(v)} for k, v in summary.model_dump().items()],
            )


@contextmanager
def _stage(
    settings: LakeSettings, run_id: str, name: str, stage: str, config: dict[str, Any]
) -> Iterator[_Stage]:
    """Open the lake and keep the book of runs around a stage."""
    with graceful_interrupt() as interrupt, Lake.create(settings) as lake:
        begin_run(lake, run_id, name=name, stage=stage, config=orjson.dumps(config).decode())
        work = _Stage(lake, run_id, stage, interrupt)
        state = "failed"
        try:
            yield work
            state = "stopped" if interrupt.asked() else "done"
        finally:
            end_run(lake, run_id, stage=stage, state=state, summary=work.summary().model_dump())
            work.close()


@contextmanager
def _optional() -> Iterator[None]:
    """Artifacts are for show: an API that is gone must not cost a run."""
    with suppress(httpx.HTTPError, RuntimeError, ConnectionError):
        yield


def _dumped(sources: Sequence[AnySource]) -> list[dict[str, Any]]:
    return [source.model_dump(mode="json", exclude_defaults=True) for source in sources]

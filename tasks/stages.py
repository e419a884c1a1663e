"""The stages as Prefect tasks: each opens the lake, streams its shards into it and keeps the books.

Prefect sees a stage, never a row; its artifacts show progress and the final figures.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
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
from pydantic import Field

from schemas.base import Row
from schemas.errors import BudgetSpent
from schemas.manifest import Manifest
from schemas.settings import EngineSettings, LakeSettings
from schemas.teachers import TeacherConfig
from tasks.cluster import ray_session
from tasks.curate import CurateSettings, ScreenLane, booked, stream_findings
from tasks.grade import Graded, Grading
from tasks.grading import GradeSettings
from tasks.grading_item import FAILURES as UNTOLD
from tasks.ingest import stream_items
from tasks.interrupt import Interrupt, graceful_interrupt
from tasks.progress import StageProgress
from tasks.recipes import AnyRecipe
from tasks.review import GOLD_LANE, ReviewJob, stream_reviews
from tasks.sandbox import BubblewrapSandbox, SandboxConfig, launch
from tasks.scores import AnyScorer
from tasks.sources import AnySource
from tasks.synthesize import stream_draws
from tasks.teachers import check
from tasks.teachers.identity import identify
from tasks.verify_batch import without_teacher
from tasks.verify_settings import VerifySettings
from tasks.worker import Job, lane_of
from warehouse.candidates import Candidates
from warehouse.categories import add_tiers, set_categories
from warehouse.commit import Committer, newest_entry
from warehouse.export import export
from warehouse.export_settings import ExportSettings
from warehouse.lake import Lake
from warehouse.lock import writer_lock
from warehouse.mix_book import publish_mix
from warehouse.mix_config import MixConfig
from warehouse.plan import Plan, plan_draws, plan_gold, plan_review
from warehouse.runs import begin_run, end_run
from warehouse.shards import ITEMS_LANE

FAILURES = ("teacher_error", "recipe_error", "timeout")
"""Drop reasons that count against a run's error budget: something broke, nothing was refused."""
_JUDGED = frozenset({"reviewed", "gold_checks"})
"""Tables whose rows a shard's outcomes are about."""
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
    outcomes: dict[str, int] = Field(default_factory=dict)
    """Reviewed traces, or checked golds, by outcome."""
    repeated: int = 0
    """Rows that were in the lake already."""
    pending: int = 0
    """Draws still to be done when the stage ended."""
    completion_tokens: int = 0
    seconds: float
    stopped: bool = False
    """Whether it was asked to stop before its end."""
    graded: tuple[Graded, ...] = ()
    """How the items of a grading stand, by teacher."""

    def joined(self, other: StageSummary) -> StageSummary:
        """The figures of two stages of one run as those of one, such as two teachers' draws."""
        return self.model_copy(
            update={
                "rows": dict(Counter(self.rows) + Counter(other.rows)),
                "drops": dict(Counter(self.drops) + Counter(other.drops)),
                "outcomes": dict(Counter(self.outcomes) + Counter(other.outcomes)),
                "repeated": self.repeated + other.repeated,
                "pending": self.pending + other.pending,
                "completion_tokens": self.completion_tokens + other.completion_tokens,
                "seconds": self.seconds + other.seconds,
                "stopped": self.stopped or other.stopped,
                "graded": (*self.graded, *other.graded),
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


@task(name="grade", cache_policy=NO_CACHE)
def grade_stage(
    lake: LakeSettings,
    settings: GradeSettings,
    recipe: AnyRecipe,
    teacher: TeacherConfig,
    scores: Sequence[AnyScorer],
    engine: EngineSettings,
    run_id: str,
    name: str,
    sources: Sequence[str] | None,
    items: str,
    max_items: int | None,
    redo: Sequence[str],
    sandbox: SandboxConfig | None = None,
) -> StageSummary:
    """Draw items until their bands are settled, or until the token budget is spent."""
    check(teacher)
    if recipe.needs_sandbox:
        launch.require(sandbox or BubblewrapSandbox())
    lane = lane_of(run_id, recipe, identify(teacher))
    config = {
        "recipe": recipe.model_dump(mode="json"),
        "teacher": teacher.model_dump(mode="json"),
        "grade": {**settings.model_dump(mode="json"), "failures": UNTOLD},
        "recipe_fingerprint": lane.recipe_fingerprint,
        "teacher_fingerprint": lane.teacher_fingerprint,
    }
    with _stage(lake, run_id, name, "grade", config) as stage:
        add_tiers(
            stage.lake, {tier.kind: (tier.rank, tier.graded) for tier in settings.cascade.tiers}
        )

        def open_() -> Grading:
            return Grading.of(
                stage.lake,
                settings,
                lane,
                sources=sources,
                where=items,
                max_items=max_items,
                redo=redo,
            )

        grading = open_()
        if grading.unjudged:
            stage.review(*_judging(grading, engine, run_id, lake), unit="traces")
            grading = open_()
        plan = grading.plan(run_id)
        most = plan.pending * settings.k
        stage.begin(total=most, unit="draws at most")
        committer = Committer(stage.lake, run_id, lane.name, plan.pending, plan.since)
        job = Job(
            lane,
            recipe,
            teacher,
            tuple(scores),
            engine,
            lake.data,
            sandbox,
            settings,
            grading.population,
        )
        try:
            if plan.pending and not stage.interrupt.asked():
                with ray_session(engine.ray_address):
                    url = stage.lake.storage.url(plan.folder)
                    stop = stage.ending(settings.tokens)
                    shards = stream_draws(job, url, stopping=stop)
                    stage.land(shards, committer, error_budget=engine.error_budget)
        finally:
            stage.lake.storage.delete_folder(plan.folder)
        spent = stage.spent(settings.tokens)
        stage.graded = grading.figures(lane.teacher, budget_spent=spent)
        return stage.summary()


def _judging(
    grading: Grading, engine: EngineSettings, run_id: str, lake: LakeSettings
) -> tuple[ReviewJob, Plan]:
    """A review of the traces that came into a lane without verdicts."""
    settings = VerifySettings(
        cascade=grading.settings.cascade, scores=(), where=grading.unjudged_traces
    )
    plan = plan_review(grading.lake, run_id, review=settings.lane, where=settings.where)
    return ReviewJob(run_id, settings.lane, settings, engine, lake.data), plan


@task(name="verify", cache_policy=NO_CACHE)
def verify_stage(
    lake: LakeSettings,
    settings: VerifySettings,
    engine: EngineSettings,
    run_id: str,
    name: str,
    sandbox: SandboxConfig | None = None,
) -> StageSummary:
    """Review the traces that this review has not been through."""
    _ready(settings, sandbox)
    lane = settings.lane
    with _stage(lake, run_id, name, "verify", settings.model_dump(mode="json")) as stage:
        set_categories(stage.lake, settings.categories)
        add_tiers(stage.lake, settings.tiers)
        plan = plan_review(stage.lake, run_id, review=lane, where=settings.where)
        job = ReviewJob(run_id, lane, settings, engine, lake.data, sandbox)
        stage.review(job, plan, unit="traces")
        return stage.summary()


@task(name="check gold", cache_policy=NO_CACHE)
def gold_stage(
    lake: LakeSettings,
    settings: VerifySettings,
    engine: EngineSettings,
    run_id: str,
    name: str,
    sources: Sequence[str] | None,
    sandbox: SandboxConfig | None = None,
) -> StageSummary:
    """Run each item's verifiers on its own gold answer, once an item; no teacher is asked."""
    settings = settings.model_copy(update={"cascade": without_teacher(settings.cascade)})
    if settings.needs_sandbox:
        launch.require(sandbox or BubblewrapSandbox())
    config = settings.cascade.model_dump(mode="json")
    with _stage(lake, run_id, name, "check-gold", config) as stage:
        plan = plan_gold(stage.lake, run_id, sources=sources)
        job = ReviewJob(run_id, GOLD_LANE, settings, engine, lake.data, sandbox)
        stage.review(job, plan, unit="items")
        return stage.summary()


def _ready(settings: VerifySettings, sandbox: SandboxConfig | None) -> None:
    """Find out what can't work before anything starts.  Raises `ConfigError`."""
    settings.require_teacher()
    if settings.needs_teacher and settings.teacher is not None:
        check(settings.teacher)
    if settings.needs_sandbox:
        launch.require(sandbox or BubblewrapSandbox())


@task(name="curate", cache_policy=NO_CACHE)
def curate_stage(
    lake: LakeSettings, settings: CurateSettings, run_id: str, name: str
) -> StageSummary:
    """Run the screens in order; each looks at the traces that it has not been through."""
    lanes = settings.lanes()
    with (
        writer_lock(lake, "curate"),  # two runs might keep different ones of the same duplicates
        _stage(lake, run_id, name, "curate", booked(lanes, settings)) as stage,
    ):
        for lane in lanes:
            if not stage.interrupt.asked():
                stage.screen(lane, settings.where)
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


@task(name="mix", cache_policy=NO_CACHE)
def mix_stage(config: MixConfig) -> dict[str, Any]:
    """Draw a mix and publish it; see `warehouse.mix_book.publish_mix`."""
    result = publish_mix(config)
    assert result.mix is not None
    with _optional():
        create_table_artifact(key="mix", table=[asdict(part) for part in result.mix.parts])
    return {
        "folder": str(result.folder),
        "rows": result.rows,
        "tokens": result.mix.tokens,
        "snapshot": result.snapshot,
        "content_hash": result.content_hash,
    }


class _Stage:
    """A stage under way: its lake, its progress and its figures."""

    def __init__(self, lake: Lake, run_id: str, stage: str, interrupt: Interrupt) -> None:
        self.lake, self.run_id, self.stage, self.interrupt = lake, run_id, stage, interrupt
        self._rows: dict[str, int] = {}
        self._repeated = 0
        self._progress = StageProgress(stage, total=None, unit="rows")
        self._past: list[StageProgress] = []
        self._artifact: UUID | None = None
        self._artifact_at = 0.0
        self._committer: Committer | None = None
        self.graded: Graded | None = None

    def begin(
        self, *, total: int | None, unit: str, done_before: int = 0, label: str | None = None
    ) -> None:
        """Show the stage, or the part of it that `label` names; `total` rows are to come."""
        if self._committer is not None:
            self._past.append(self._progress)
        self._progress = StageProgress(label or self.stage, total=total, unit=unit)
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
                    main = ("items", "traces", "drops", "reviewed", "gold_checks")
                    progress.add(
                        sum(landed.rows.get(table, 0) for table in main),
                        tokens=manifest.completion_tokens,
                        drops=manifest.drops if landed.rows.get("drops") else None,
                        outcomes=manifest.outcomes if landed.rows.keys() & _JUDGED else None,
                    )
                self._show()
                if error_budget is not None:
                    self._check_budget(error_budget)

    def spent(self, tokens: int | None) -> bool:
        """Whether so many tokens have been written; never where null."""
        return tokens is not None and self._progress.tokens >= tokens

    def ending(self, tokens: int | None) -> Callable[[], bool]:
        """Tells whether the stage is to stop: when asked, or once `tokens` are written."""
        return lambda: self.interrupt.asked() or self.spent(tokens)

    def review(self, job: ReviewJob, plan: Plan, *, unit: str) -> None:
        """Do what a plan of traces or items holds, and delete the plan."""
        self.begin(total=plan.pending, unit=unit, done_before=plan.wanted - plan.pending)
        committer = Committer(self.lake, self.run_id, job.lane, plan.pending, plan.since)
        try:
            if plan.pending:
                with ray_session(job.engine.ray_address):
                    url = self.lake.storage.url(plan.folder)
                    self.land(stream_reviews(job, url, stopping=self.interrupt.asked), committer)
        finally:
            self.lake.storage.delete_folder(plan.folder)

    def screen(self, lane: ScreenLane, where: str) -> None:
        """Land what one screen objects to."""
        with Lake.open(self.lake.settings) as reader:
            candidates = Candidates.choose(
                reader,
                lane=lane.lane,
                screen=lane.name,
                where=where,
                before=lane.before,
                best=lane.screen.best,
            )
            fresh = candidates.fresh
            self.begin(
                total=fresh,
                unit="traces",
                done_before=candidates.count - fresh,
                label=lane.screen.kind,
            )
            since = newest_entry(self.lake)
            committer = Committer(self.lake, self.run_id, lane.lane, fresh, since)
            found = stream_findings(
                lane, candidates, self.lake.storage, self.run_id, stopping=self.interrupt.asked
            )
            self.land(found, committer)

    def summary(self) -> StageSummary:
        """The stage's figures so far."""
        committer = self._committer
        shown = [*self._past, self._progress]
        pending = committer.planned - committer.settled if committer else 0
        return StageSummary(
            stage=self.stage,
            run_id=self.run_id,
            rows=self._rows,
            drops=dict(self._progress.drops),
            outcomes=dict(sum((progress.outcomes for progress in shown), Counter())),
            repeated=self._repeated,
            pending=self.graded.unsettled if self.graded else pending,
            completion_tokens=self._progress.tokens,
            seconds=sum(progress.seconds for progress in shown),
            stopped=self.interrupt.asked(),
            graded=(self.graded,) if self.graded else (),
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

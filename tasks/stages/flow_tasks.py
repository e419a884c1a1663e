"""The stages as Prefect tasks: each opens the lake and streams its shards into it.

Prefect sees a stage, never a row; its artifacts show progress and the final figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.schemas.teachers import TeacherConfig
from thoughtmill.tasks.curation.stage import CurateSettings, booked
from thoughtmill.tasks.grading.item import FAILURES as UNTOLD
from thoughtmill.tasks.grading.settings import GradeSettings
from thoughtmill.tasks.grading.stage import Grading
from thoughtmill.tasks.ingestion.stage import stream_items
from thoughtmill.tasks.recipes import AnyRecipe
from thoughtmill.tasks.runtime.cluster import ray_session
from thoughtmill.tasks.sandbox import BubblewrapSandbox, SandboxConfig, launch
from thoughtmill.tasks.scores import AnyScorer
from thoughtmill.tasks.sources import AnySource
from thoughtmill.tasks.stages.stage import StageSummary, open_stage, optional
from thoughtmill.tasks.synthesis.stage import stream_draws
from thoughtmill.tasks.synthesis.worker import Job, lane_of
from thoughtmill.tasks.teachers import check
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.verification.batch import without_teacher
from thoughtmill.tasks.verification.settings import VerifySettings
from thoughtmill.tasks.verification.stage import GOLD_LANE, ReviewJob
from thoughtmill.warehouse.categories import add_tiers, set_categories
from thoughtmill.warehouse.commit import Committer, newest_entry
from thoughtmill.warehouse.export.export import export
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lock import writer_lock
from thoughtmill.warehouse.mix.config import MixConfig
from thoughtmill.warehouse.mix.record import publish_mix
from thoughtmill.warehouse.plan import Plan, plan_draws, plan_gold, plan_review
from thoughtmill.warehouse.shards import ITEMS_LANE


@task(name="ingest", cache_policy=NO_CACHE)
def ingest_stage(
    lake: LakeSettings,
    sources: Sequence[AnySource],
    run_id: str,
    name: str,
    ray_address: str | None,
) -> StageSummary:
    """Read all sources into the lake's items."""
    with open_stage(lake, run_id, name, "ingest", {"sources": _dumped(sources)}) as stage:
        stage.begin(total=None, unit="rows", waiting="reading")
        with ray_session(ray_address):
            shards = stream_items(sources, run_id, stage.lake.data, stopping=stage.interrupt.asked)
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
    with open_stage(lake, run_id, name, "synthesize", config) as stage:
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
        stage.begin(
            total=plan.pending,
            unit="draws",
            done_before=plan.wanted - plan.pending,
            waiting=_waiting(teacher),
            price=teacher.price,
        )
        committer = Committer(stage.lake, run_id, lane.name, plan.pending, plan.since)
        job = Job(lane, recipe, teacher, tuple(scores), engine, stage.lake.data, sandbox)
        try:
            if plan.pending:
                with ray_session(engine.ray_address):
                    url = stage.lake.storage.url(plan.folder)
                    shards = stream_draws(job, url, plan.pending, stopping=stage.ending())
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
    with open_stage(lake, run_id, name, "grade", config) as stage:
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
            stage.review(*_judging(grading, engine, run_id), unit="traces")
            grading = open_()
        plan = grading.plan(run_id)
        most = plan.pending * settings.k
        stage.begin(
            total=most, unit="draws at most", waiting=_waiting(teacher), price=teacher.price
        )
        committer = Committer(stage.lake, run_id, lane.name, plan.pending, plan.since)
        job = Job(
            lane,
            recipe,
            teacher,
            tuple(scores),
            engine,
            stage.lake.data,
            sandbox,
            settings,
            grading.population,
        )
        try:
            if plan.pending and not stage.interrupt.asked():
                with ray_session(engine.ray_address):
                    url = stage.lake.storage.url(plan.folder)
                    stop = stage.ending(settings.tokens)
                    shards = stream_draws(job, url, plan.pending, stopping=stop)
                    budget = engine.error_budget
                    stage.land(shards, committer, error_budget=budget, tokens=settings.tokens)
        finally:
            stage.lake.storage.delete_folder(plan.folder)
        spent = stage.spent(settings.tokens)
        stage.graded = grading.figures(lane.teacher, budget_spent=spent)
        return stage.summary()


def _judging(grading: Grading, engine: EngineSettings, run_id: str) -> tuple[ReviewJob, Plan]:
    """A review of the traces that came into a lane without verdicts."""
    settings = VerifySettings(
        cascade=grading.settings.cascade, scores=(), where=grading.unjudged_traces
    )
    plan = plan_review(grading.lake, run_id, review=settings.lane, where=settings.where)
    return ReviewJob(run_id, settings.lane, settings, engine, grading.lake.data), plan


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
    with open_stage(lake, run_id, name, "verify", settings.model_dump(mode="json")) as stage:
        set_categories(stage.lake, settings.categories)
        add_tiers(stage.lake, settings.tiers)
        plan = plan_review(stage.lake, run_id, review=lane, where=settings.where)
        job = ReviewJob(run_id, lane, settings, engine, stage.lake.data, sandbox)
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
    with open_stage(lake, run_id, name, "check-gold", config) as stage:
        plan = plan_gold(stage.lake, run_id, sources=sources)
        job = ReviewJob(run_id, GOLD_LANE, settings, engine, stage.lake.data, sandbox)
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
        open_stage(lake, run_id, name, "curate", booked(lanes, settings)) as stage,
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
    with optional():
        create_table_artifact(key="published", table=[figures])
    return figures


@task(name="mix", cache_policy=NO_CACHE)
def mix_stage(config: MixConfig) -> dict[str, Any]:
    """Draw a mix and publish it; see `warehouse.mix_book.publish_mix`."""
    result = publish_mix(config)
    assert result.mix is not None
    with optional():
        create_table_artifact(key="mix", table=[asdict(part) for part in result.mix.parts])
    return {
        "folder": str(result.folder),
        "rows": result.rows,
        "tokens": result.mix.tokens,
        "snapshot": result.snapshot,
        "content_hash": result.content_hash,
    }


def _waiting(teacher: TeacherConfig) -> str:
    """What goes on between a stage's beginning and its first rows."""
    loading = f"loading {teacher.model}, then " if teacher.kind == "vllm" else ""
    return f"{loading}first tokens"


def _dumped(sources: Sequence[AnySource]) -> list[dict[str, Any]]:
    return [source.model_dump(mode="json", exclude_defaults=True) for source in sources]

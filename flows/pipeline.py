"""Flow `pipeline`: ingest, synthesize and publish, as one run config asks for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prefect import flow

from thoughtmill.flows.check_gold import check_gold
from thoughtmill.flows.config import RunConfig, load_config, require_room
from thoughtmill.flows.curate import curate
from thoughtmill.flows.grade import grade
from thoughtmill.flows.ingest import ingest
from thoughtmill.flows.publish import publish
from thoughtmill.flows.synthesize import synthesize
from thoughtmill.flows.verify import verify
from thoughtmill.schemas.base import Row
from thoughtmill.schemas.teachers import TeacherConfig
from thoughtmill.tasks.grading.settings import GradeSettings
from thoughtmill.tasks.runtime.cluster import one_ray
from thoughtmill.tasks.stages.stage import StageSummary
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.extensions import quoted
from thoughtmill.warehouse.runs import new_run_id


class PipelineSummary(Row):
    """What a run of the whole line did; later stages are null where it was stopped before them."""

    run_id: str
    ingested: StageSummary
    gold_checked: StageSummary | None = None
    synthesized: StageSummary | None = None
    verified: StageSummary | None = None
    curated: StageSummary | None = None
    published: dict[str, Any] | None = None
    report: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether the run was asked to stop before its end."""
        stages = (self.ingested, self.gold_checked, self.synthesized, self.verified, self.curated)
        return any(stage.stopped for stage in stages if stage is not None)


@flow(name="pipeline", validate_parameters=True)
def pipeline(
    config: Path = Path("configs/runs/demo.yaml"),
    overrides: list[str] | None = None,
    limit: int | None = None,
) -> PipelineSummary:
    """Run a config from its sources to the published dataset.

    Args:
        config: Run config, relative to the working directory.
        overrides: Changes to the config, each as `key.path=value`.
        limit: Most items per source; all where null.
    """
    settings = load_config(config, overrides or [], limit=limit)
    if settings.publish is not None:
        require_room(settings.publish)  # before hours of engine time
    with one_ray():
        return run_config(settings, limit=limit)


def run_config(config: RunConfig, *, limit: int | None = None) -> PipelineSummary:
    """The line for a config that has been read; call it inside a flow."""
    run_id = new_run_id(config.name)
    ingested = ingest(
        config.lake, list(config.sources), config.name, config.engine.ray_address, run_id
    )
    if ingested.stopped:
        return PipelineSummary(run_id=run_id, ingested=ingested)
    gold_checked = _check_gold(config, run_id) if config.check_gold else None
    if gold_checked is not None and gold_checked.stopped:
        return PipelineSummary(run_id=run_id, ingested=ingested, gold_checked=gold_checked)
    synthesized = None
    for teacher in config.teacher:
        drawn = _draw(config, teacher, run_id, limit)
        synthesized = drawn if synthesized is None else synthesized.joined(drawn)
        if drawn.stopped:
            break
    stopped = synthesized is not None and synthesized.stopped
    verified = None
    if config.verify is not None and not stopped:
        verified = verify(
            config.lake, config.verify, config.engine, config.sandbox, config.name, run_id
        )
        stopped = verified.stopped
    curated = None
    if config.curate is not None and not stopped:
        curated = curate(config.lake, config.curate, config.name, run_id)
        stopped = curated.stopped
    published = None
    if config.publish is not None and synthesized is not None and not stopped:
        published = publish(config.lake, own_work(config, config.publish))
    report = _report(config, published) if config.report is not None and not stopped else None
    return PipelineSummary(
        run_id=run_id,
        ingested=ingested,
        gold_checked=gold_checked,
        synthesized=synthesized,
        verified=verified,
        curated=curated,
        published=published,
        report=report,
    )


def own_work(config: RunConfig, settings: ExportSettings) -> ExportSettings:
    """The export of a run, which publishes what its config asks for where it names no rows.

    Many runs share a lake; what another one with the same recipe and teachers drew for the same
    items is this run's work too, and is not drawn again.
    """
    if {"where", "query"} & settings.model_fields_set:
        return settings
    teachers = [identify(teacher).fingerprint(config.recipe.sampling) for teacher in config.teacher]
    draws = config.draws if config.grade is None else config.grade.k
    where = (
        f"recipe_fingerprint = '{config.recipe.fingerprint}'\n"
        f"AND teacher_fingerprint IN {_texts(teachers)}\n"
        f"AND draw < {draws}\n"
        f"AND item_id IN (SELECT item_id FROM item_sources WHERE source IN {_texts(config.labels)})"
    )
    if config.wanted_items != "true":
        fitting = f"SELECT item_id FROM items AS i WHERE (\n{config.wanted_items}\n)"
        where += f"\nAND item_id IN ({fitting})"
    return settings.model_copy(update={"where": where})


def _texts(values: Iterable[str]) -> str:
    """Texts as a list in SQL."""
    return "(" + ", ".join(f"'{quoted(value)}'" for value in values) + ")"


def _report(config: RunConfig, published: dict[str, Any] | None) -> str:
    from thoughtmill.flows.report import write_report  # matplotlib takes a second to import

    counted = published is not None and "trace_id" in published["columns"]
    written = write_report(
        config.lake,
        Path(config.report or "report.html"),
        asked=config.name,
        published=Path(published["folder"]) if published and counted else None,
    )
    return str(written.page)


def _check_gold(config: RunConfig, run_id: str) -> StageSummary:
    return check_gold(
        config.lake,
        config.verify,
        list(config.labels),
        config.engine,
        config.sandbox,
        config.name,
        run_id,
    )


def _draw(
    config: RunConfig, teacher: TeacherConfig, run_id: str, limit: int | None
) -> StageSummary:
    if config.grade is not None:
        return _grade(config, config.grade, teacher, run_id, limit)
    return synthesize(
        lake=config.lake,
        recipe=config.recipe,
        teacher=teacher,
        draws=config.draws,
        sources=list(config.labels),
        items=config.wanted_items,
        max_items=limit * len(config.sources) if limit is not None else None,
        redo=list(config.redo),
        scores=list(config.scores),
        engine=config.engine,
        sandbox=config.sandbox,
        name=config.name,
        run_id=run_id,
    )


def _grade(
    config: RunConfig,
    settings: GradeSettings,
    teacher: TeacherConfig,
    run_id: str,
    limit: int | None,
) -> StageSummary:
    return grade(
        lake=config.lake,
        recipe=config.recipe,
        teacher=teacher,
        settings=settings,
        sources=list(config.labels),
        items=config.wanted_items,
        max_items=limit * len(config.sources) if limit is not None else None,
        redo=list(config.redo),
        scores=list(config.scores),
        engine=config.engine,
        sandbox=config.sandbox,
        name=config.name,
        run_id=run_id,
    )

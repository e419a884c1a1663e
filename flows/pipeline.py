"""Flow `pipeline`: ingest, synthesize and publish, as one run config asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from flows.config import RunConfig, load_config
from flows.ingest import ingest
from flows.publish import publish
from flows.synthesize import synthesize
from schemas.base import Row
from schemas.teachers import TeacherConfig
from tasks.stages import StageSummary
from warehouse.runs import new_run_id


class PipelineSummary(Row):
    """What a run of the whole line did; later stages are null where it was stopped before them."""

    run_id: str
    ingested: StageSummary
    synthesized: StageSummary | None = None
    published: dict[str, Any] | None = None

    @property
    def stopped(self) -> bool:
        """Whether the run was asked to stop before its end."""
        return self.ingested.stopped or (self.synthesized is not None and self.synthesized.stopped)


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
    return run_config(load_config(config, overrides or [], limit=limit), limit=limit)


def run_config(config: RunConfig, *, limit: int | None = None) -> PipelineSummary:
    """The line for a config that has been read; call it inside a flow."""
    run_id = new_run_id(config.name)
    ingested = ingest(
        config.lake, list(config.sources), config.name, config.engine.ray_address, run_id
    )
    if ingested.stopped:
        return PipelineSummary(run_id=run_id, ingested=ingested)
    synthesized = None
    for teacher in config.teacher:
        drawn = _draw(config, teacher, run_id, limit)
        synthesized = drawn if synthesized is None else synthesized.joined(drawn)
        if drawn.stopped:
            break
    published = None
    if config.publish is not None and synthesized is not None and not synthesized.stopped:
        published = publish(config.lake, config.publish)
    return PipelineSummary(
        run_id=run_id, ingested=ingested, synthesized=synthesized, published=published
    )


def _draw(
    config: RunConfig, teacher: TeacherConfig, run_id: str, limit: int | None
) -> StageSummary:
    return synthesize(
        lake=config.lake,
        recipe=config.recipe,
        teacher=teacher,
        draws=config.draws,
        sources=[source.name or source.label for source in config.sources],
        items=config.items,
        max_items=limit * len(config.sources) if limit is not None else None,
        redo=list(config.redo),
        scores=list(config.scores),
        engine=config.engine,
        sandbox=config.sandbox,
        name=config.name,
        run_id=run_id,
    )

"""Flow `synthesize`: items to traces and drops."""

from __future__ import annotations

from prefect import flow

from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.schemas.teachers import TeacherConfig
from thoughtmill.tasks.recipes import AnyRecipe
from thoughtmill.tasks.sandbox import SandboxConfig
from thoughtmill.tasks.scores import AnyScorer, Repetition, RequestTalk
from thoughtmill.tasks.stages.flow_tasks import synthesize_stage
from thoughtmill.tasks.stages.stage import StageSummary
from thoughtmill.warehouse.runs import new_run_id


@flow(name="synthesize", validate_parameters=True)
def synthesize(
    lake: LakeSettings,
    recipe: AnyRecipe,
    teacher: TeacherConfig,
    draws: int = 1,
    sources: list[str] | None = None,
    items: str = "true",
    max_items: int | None = None,
    redo: list[str] | None = None,
    scores: list[AnyScorer] | None = None,
    engine: EngineSettings | None = None,
    sandbox: SandboxConfig | None = None,
    name: str = "synthesize",
    run_id: str | None = None,
) -> StageSummary:
    """Draw traces for the items of `sources` (all where null) that fit the predicate `items`.

    What is in the lake already is not done again, so the same call resumes a run that was cut off.
    """
    return synthesize_stage(
        lake,
        recipe,
        teacher,
        [Repetition(), RequestTalk()] if scores is None else scores,
        engine or EngineSettings(),
        run_id or new_run_id(name),
        name,
        sources,
        items,
        draws,
        max_items,
        redo or [],
        sandbox,
    )

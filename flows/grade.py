"""Flow `grade`: items to traces and verdicts, in rounds, until each item's band is settled."""

from __future__ import annotations

from prefect import flow

from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.schemas.teachers import TeacherConfig
from thoughtmill.tasks.grading.settings import GradeSettings
from thoughtmill.tasks.recipes import AnyRecipe
from thoughtmill.tasks.sandbox import SandboxConfig
from thoughtmill.tasks.scores import AnyScorer, Repetition, RequestTalk
from thoughtmill.tasks.stages.flow_tasks import grade_stage
from thoughtmill.tasks.stages.stage import StageSummary
from thoughtmill.warehouse.runs import new_run_id


@flow(name="grade", validate_parameters=True)
def grade(
    lake: LakeSettings,
    recipe: AnyRecipe,
    teacher: TeacherConfig,
    settings: GradeSettings | None = None,
    sources: list[str] | None = None,
    items: str = "true",
    max_items: int | None = None,
    redo: list[str] | None = None,
    scores: list[AnyScorer] | None = None,
    engine: EngineSettings | None = None,
    sandbox: SandboxConfig | None = None,
    name: str = "grade",
    run_id: str | None = None,
) -> StageSummary:
    """Grade the items of `sources` (all where null) that fit the predicate `items`.

    An item is drawn until its band of difficulty is settled, at most `settings.k` times.  Draws
    that are in the lake count, so the same call resumes a run that was cut off, or whose token
    budget was spent.
    """
    return grade_stage(
        lake,
        settings or GradeSettings(),
        recipe,
        teacher,
        [Repetition(), RequestTalk()] if scores is None else scores,
        engine or EngineSettings(),
        run_id or new_run_id(name),
        name,
        sources,
        items,
        max_items,
        redo or [],
        sandbox,
    )

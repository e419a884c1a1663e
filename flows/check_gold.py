"""Flow `check-gold`: items whose own verifiers do not accept their gold answer, before any draw."""

from __future__ import annotations

from prefect import flow

from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.tasks.sandbox import SandboxConfig
from thoughtmill.tasks.stages.flow_tasks import gold_stage
from thoughtmill.tasks.stages.stage import StageSummary
from thoughtmill.tasks.verification.settings import VerifySettings
from thoughtmill.warehouse.runs import new_run_id


@flow(name="check-gold", validate_parameters=True)
def check_gold(
    lake: LakeSettings,
    settings: VerifySettings | None = None,
    sources: list[str] | None = None,
    engine: EngineSettings | None = None,
    sandbox: SandboxConfig | None = None,
    name: str = "check-gold",
    run_id: str | None = None,
) -> StageSummary:
    """Run each item's verifiers on its own gold answer, once an item, before anything is drawn.

    What is not accepted is in the view `gold_problems` with its reason.
    """
    return gold_stage(
        lake,
        settings or VerifySettings(),
        engine or EngineSettings(),
        run_id or new_run_id(name),
        name,
        sources,
        sandbox,
    )

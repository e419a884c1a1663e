"""Flow `verify`: traces that are in the lake to verdicts, scores and labels."""

from __future__ import annotations

from prefect import flow

from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.tasks.sandbox import SandboxConfig
from thoughtmill.tasks.stages.flow_tasks import verify_stage
from thoughtmill.tasks.stages.stage import StageSummary
from thoughtmill.tasks.verification.settings import VerifySettings
from thoughtmill.warehouse.runs import new_run_id


@flow(name="verify", validate_parameters=True)
def verify(
    lake: LakeSettings,
    settings: VerifySettings | None = None,
    engine: EngineSettings | None = None,
    sandbox: SandboxConfig | None = None,
    name: str = "verify",
    run_id: str | None = None,
) -> StageSummary:
    """Judge, score and label the traces of a lake that this review has not been through.

    What has been said of a trace is not said again, so the same call resumes a review that was cut
    off and takes in what has come since.
    """
    return verify_stage(
        lake,
        settings or VerifySettings(),
        engine or EngineSettings(),
        run_id or new_run_id(name),
        name,
        sandbox,
    )

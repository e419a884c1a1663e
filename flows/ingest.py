"""Flow `ingest`: sources into the lake's items."""

from __future__ import annotations

from prefect import flow

from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.tasks.sources import AnySource
from thoughtmill.tasks.stages.flow_tasks import ingest_stage
from thoughtmill.tasks.stages.stage import StageSummary
from thoughtmill.warehouse.runs import new_run_id


@flow(name="ingest", validate_parameters=True)
def ingest(
    lake: LakeSettings,
    sources: list[AnySource],
    name: str = "ingest",
    ray_address: str | None = None,
    run_id: str | None = None,
) -> StageSummary:
    """Read `sources` into the lake: items once each, a counted drop for a row that does not fit."""
    return ingest_stage(lake, sources, run_id or new_run_id(name), name, ray_address)

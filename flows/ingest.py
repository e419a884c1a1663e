"""Flow `ingest`: sources into the lake's items."""

from __future__ import annotations

from prefect import flow

from schemas.settings import LakeSettings
from tasks.sources import AnySource
from tasks.stage import StageSummary
from tasks.stages import ingest_stage
from warehouse.runs import new_run_id


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

"""Flow `publish`: a selection of the lake as a dataset folder with its card."""

from __future__ import annotations

from typing import Any

from prefect import flow

from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.tasks.stages.flow_tasks import publish_stage
from thoughtmill.warehouse.export.settings import ExportSettings


@flow(name="publish", validate_parameters=True)
def publish(lake: LakeSettings, settings: ExportSettings) -> dict[str, Any]:
    """Export a selection to Parquet, a folder `load_dataset` takes, JSONL and a card."""
    return publish_stage(lake, settings)

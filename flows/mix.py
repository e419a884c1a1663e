"""Flow `mix`: a reproducible selection of the lake, drawn by weights and published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from thoughtmill.flows.cli.mix_file import load_mix
from thoughtmill.tasks.stages.flow_tasks import mix_stage


@flow(name="mix", validate_parameters=True)
def mix(
    config: Path = Path("configs/mixes/sft.yaml"),
    overrides: list[str] | None = None,
    lake: str | None = None,
    folder: str | None = None,
    snapshot: int | None = None,
) -> dict[str, Any]:
    """Draw a mix and publish it.

    Args:
        config: Mix config, relative to the working directory.
        overrides: Changes to the config, each as `key.path=value`.
        lake: Folder of the lake; the config's where null.
        folder: Folder to publish in; the config's where null.
        snapshot: Draw from the lake as it was; the newest where null.
    """
    settings = load_mix(config, overrides or [], lake=lake, folder=folder, snapshot=snapshot)
    return mix_stage(settings)

"""A mix as a file: what to draw, from which lake, and how to publish it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from thoughtmill.schemas.mixes import MixSettings, Stage
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.settings import ExportSettings

LAYOUTS: dict[Stage, str] = {
    "pretraining": "text",
    "mid-training": "text",
    "sft": "chat",
    "rl": "rl",
}
"""How a stage's rows are laid out where `publish.layout` does not say."""


class MixConfig(MixSettings):
    """A mix with its lake and its export: one YAML in configs/mixes/."""

    lake: LakeSettings = Field(default_factory=lambda: LakeSettings.model_validate("lake"))
    """A folder, or `{catalog: ..., data: ...}`; the command's `--lake` comes first."""
    publish: ExportSettings
    """The export; its layout is the stage's where it names none."""

    @model_validator(mode="before")
    @classmethod
    def _layout_of_stage(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("publish"), dict):
            return values
        stage = values.get("stage", "sft")
        layout = {"layout": LAYOUTS[stage]} if stage in LAYOUTS else {}
        return {**values, "publish": {**layout, **values["publish"]}}

    @property
    def drawing(self) -> MixSettings:
        """What decides which rows are drawn: all but the lake and the export."""
        return MixSettings.model_validate(self.model_dump(include=set(MixSettings.model_fields)))

"""Labellers, one file each.  `AnyLabeller` is the table that configs choose from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thoughtmill.tasks.labels.block_judge import BlockNovelty, BlockSignificance
from thoughtmill.tasks.labels.block_purpose import BlockPurpose
from thoughtmill.tasks.labels.labeller import Labeller, TeacherLabeller

AnyLabeller = Annotated[
    BlockPurpose | BlockNovelty | BlockSignificance, Field(discriminator="kind")
]
"""A discriminated union over `kind`."""

__all__ = [
    "AnyLabeller",
    "BlockNovelty",
    "BlockPurpose",
    "BlockSignificance",
    "Labeller",
    "TeacherLabeller",
]

"""Screens, one file each.  `AnyScreen` is the table that configs choose from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thoughtmill.tasks.screens.contamination import Contamination
from thoughtmill.tasks.screens.exact_duplicate import ExactDuplicate
from thoughtmill.tasks.screens.format import Format
from thoughtmill.tasks.screens.language import Language
from thoughtmill.tasks.screens.length import Length
from thoughtmill.tasks.screens.near_duplicate import NearDuplicate
from thoughtmill.tasks.screens.repetition import Repetition
from thoughtmill.tasks.screens.screen import PoolScreen, RowScreen, Screen
from thoughtmill.tasks.screens.semantic_duplicate import SemanticDuplicate

AnyScreen = Annotated[
    Contamination
    | ExactDuplicate
    | Format
    | Language
    | Length
    | NearDuplicate
    | Repetition
    | SemanticDuplicate,
    Field(discriminator="kind"),
]

__all__ = ["AnyScreen", "PoolScreen", "RowScreen", "Screen"]

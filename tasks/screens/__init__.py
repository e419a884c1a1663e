"""Screens, one file each.  `AnyScreen` is the table that configs choose from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tasks.screens.contamination import Contamination
from tasks.screens.exact_duplicate import ExactDuplicate
from tasks.screens.format import Format
from tasks.screens.language import Language
from tasks.screens.length import Length
from tasks.screens.near_duplicate import NearDuplicate
from tasks.screens.repetition import Repetition
from tasks.screens.screen import PoolScreen, RowScreen, Screen
from tasks.screens.semantic_duplicate import SemanticDuplicate

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

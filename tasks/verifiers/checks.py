"""Checks of how an answer was come by, one file each.  `AnyCheck` is the table for configs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thoughtmill.tasks.verifiers.code_trace import (
    AnswerBeforeCode,
    BrokenPair,
    LeftoverDelayed,
    LeftoverDistrust,
    NoCode,
)

AnyCheck = Annotated[
    NoCode | BrokenPair | AnswerBeforeCode | LeftoverDistrust | LeftoverDelayed,
    Field(discriminator="kind"),
]
"""A discriminated union over `kind`."""

"""Scorers, one file each.  `AnyScorer` and `AnyReviewScorer` are the tables configs choose from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thoughtmill.tasks.scores.language import Language
from thoughtmill.tasks.scores.likelihood import Likelihood
from thoughtmill.tasks.scores.repetition import Repetition
from thoughtmill.tasks.scores.request_talk import RequestTalk
from thoughtmill.tasks.scores.scorer import ItemScorer, Scorer, TeacherScorer
from thoughtmill.tasks.scores.script import Script
from thoughtmill.tasks.scores.thinking_length import ThinkingLength

AnyScorer = Annotated[Repetition | RequestTalk | ThinkingLength, Field(discriminator="kind")]
"""Scorers that read the trace alone: for the worker that writes it."""
AnyReviewScorer = Annotated[
    Repetition | RequestTalk | ThinkingLength | Script | Language | Likelihood,
    Field(discriminator="kind"),
]
"""All scorers: for reviews."""

__all__ = [
    "AnyReviewScorer",
    "AnyScorer",
    "ItemScorer",
    "Language",
    "Likelihood",
    "Repetition",
    "RequestTalk",
    "Scorer",
    "Script",
    "TeacherScorer",
    "ThinkingLength",
]

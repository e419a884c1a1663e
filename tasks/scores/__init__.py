"""Scorers, one file each.  `AnyScorer` is the table that configs choose from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tasks.scores.repetition import Repetition
from tasks.scores.request_talk import RequestTalk
from tasks.scores.scorer import Scorer

AnyScorer = Annotated[Repetition | RequestTalk, Field(discriminator="kind")]

__all__ = ["AnyScorer", "Repetition", "RequestTalk", "Scorer"]

"""What every scorer is: a frozen model that turns a trace into one number.

Three sorts, by what they read: a `Scorer` the trace alone, an `ItemScorer` its item too, a
`TeacherScorer` asks a teacher.  The first is cheap enough for the worker that writes the trace; all
three work in a review.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import orjson

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.rows import Item, Score, Trace
from thoughtmill.tasks.teachers.protocol import Teacher, TeacherIdentity


class _Named(Frozen):
    kind: str
    version: ClassVar[int] = 1
    """Raised when the same trace scores otherwise than before."""

    @property
    def name(self) -> str:
        """`kind@version`, and the knobs that are not at their defaults."""
        knobs = self.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
        return f"{self.kind}@{self.version}" + (orjson.dumps(knobs).decode() if knobs else "")


class Scorer(_Named):
    """A number about a trace, cheap enough to be taken when its shard is written."""

    def value(self, trace: Trace) -> float:
        """The score of one trace."""
        raise NotImplementedError

    def __call__(self, trace: Trace) -> Score:
        return Score(trace_id=trace.trace_id, scorer=self.name, value=self.value(trace))


class ItemScorer(_Named):
    """A number about a trace that hangs on its item as well; taken in a review."""

    def value(self, trace: Trace, item: Item) -> float | None:
        """The score of one trace; None where it has none."""
        raise NotImplementedError


class TeacherScorer(_Named):
    """Numbers about a trace that a teacher is asked for; taken in a review.

    Their names hold the teacher's, as another teacher would give other numbers.
    """

    def names(self, teacher: TeacherIdentity) -> tuple[str, ...]:
        """Names of the scores that `ask` gives."""
        raise NotImplementedError

    async def ask(self, trace: Trace, teacher: Teacher) -> Sequence[Score]:
        """The scores, none where the trace has nothing to score.  Raises `TeacherError`."""
        raise NotImplementedError


def thought(trace: Trace) -> str:
    """The text of a trace's thought."""
    return "".join(segment.text for segment in trace.segments if segment.kind == "think")

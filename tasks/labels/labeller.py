"""What every labeller is: a frozen model that says what stretches of a trace are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import orjson

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.rows import Label, Trace
from thoughtmill.tasks.teachers.protocol import Teacher


class Labeller(Frozen):
    """Labels of a trace's segments; `labels` is a pure function of the trace."""

    kind: str
    version: ClassVar[int] = 1
    """Raised when the same trace is labelled otherwise than before."""

    @property
    def name(self) -> str:
        """`kind@version`, and the knobs that are not at their defaults."""
        knobs = self.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
        return f"{self.kind}@{self.version}" + (orjson.dumps(knobs).decode() if knobs else "")

    def labels(self, trace: Trace) -> Sequence[Label]:
        """One label for each segment it has a say on, none for the others."""
        raise NotImplementedError


class TeacherLabeller(Labeller):
    """A labeller that asks a teacher: `ask` is called instead of `labels`.

    A review adds the teacher's name to the labeller's: another teacher would label otherwise.
    """

    async def ask(self, trace: Trace, teacher: Teacher) -> Sequence[Label]:
        """The labels.  Seeds come from the trace id, so that a repeat asks the same.

        A request that fails (`TeacherError`) leaves the trace without labels of this labeller;
        `TeacherDown` ends the review.
        """
        raise NotImplementedError

"""What every scorer is: a frozen model that turns a trace into one number."""

from __future__ import annotations

from typing import ClassVar

import orjson

from schemas.base import Frozen
from schemas.rows import Score, Trace


class Scorer(Frozen):
    """A number about a trace, cheap enough to be taken when its shard is written."""

    kind: str
    version: ClassVar[int] = 1
    """Raised when the same trace scores otherwise than before."""

    @property
    def name(self) -> str:
        """`kind@version`, and the knobs that are not at their defaults."""
        knobs = self.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
        return f"{self.kind}@{self.version}" + (orjson.dumps(knobs).decode() if knobs else "")

    def value(self, trace: Trace) -> float:
        """The score of one trace."""
        raise NotImplementedError

    def __call__(self, trace: Trace) -> Score:
        return Score(trace_id=trace.trace_id, scorer=self.name, value=self.value(trace))


def thought(trace: Trace) -> str:
    """The text of a trace's thought."""
    return "".join(segment.text for segment in trace.segments if segment.kind == "think")

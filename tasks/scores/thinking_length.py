"""How long a teacher thought: the first thing that tells hard material from light."""

from __future__ import annotations

from typing import ClassVar, Literal

from thoughtmill.schemas.rows import Trace
from thoughtmill.tasks.scores.scorer import Scorer


class ThinkingLength(Scorer):
    """Tokens of a trace's thought, in its teacher's own; 0 without one.

    Where an endpoint tells no token ids, all that was written counts.  After TPT (arXiv 2509.20186,
    analysis of thinking length).
    """

    version: ClassVar[int] = 1
    kind: Literal["thinking_length"] = "thinking_length"

    def value(self, trace: Trace) -> float:
        thoughts = [segment for segment in trace.segments if segment.kind == "think"]
        if any(segment.text and not segment.token_ids for segment in thoughts):
            return float(trace.provenance.completion_tokens)
        return float(sum(len(segment.token_ids) for segment in thoughts))

"""How much of a thought says again what it has said: teachers that loop."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field

from thoughtmill.schemas.rows import Trace
from thoughtmill.tasks.scores.scorer import Scorer, thought

# Scripts written without spaces count by character, all others by word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")


class Repetition(Scorer):
    """Share of a thought's n-grams of words that occurred before in it: 0 none, near 1 a loop.

    After the duplicate n-gram rules for web text (Gopher, arXiv 2112.11446, appendix A).
    """

    version: ClassVar[int] = 1
    kind: Literal["repetition"] = "repetition"
    n: int = Field(default=6, gt=0)
    """Words of an n-gram."""

    def value(self, trace: Trace) -> float:
        words = _WORD.findall(thought(trace).lower())
        count = len(words) - self.n + 1
        if count <= 0:
            return 0.0
        distinct = {tuple(words[at : at + self.n]) for at in range(count)}
        return 1.0 - len(distinct) / count

"""Talk about the request instead of the document: the known failure of small teachers.

Source: METHODS of TPT (arXiv 2509.20186), where generators without thinking training write about
"what the user wants".  The phrases are ours.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from thoughtmill.schemas.rows import Trace
from thoughtmill.tasks.scores.scorer import Scorer, thought

_SENTENCE = re.compile(r"[^.!?。！？\n]+")
_PHRASES = (
    r"\bthe (prompt|request|instructions?|query)\b.{0,40}\b(wants?|asks?|asking|says?|needs?)\b",
    r"\bthe user\b",
    r"\b(i|we)('m|'re| am| are| was| were)? (being )?"
    r"(asked|told|instructed|supposed|requested) to\b",
    r"\b(my|the|this) (task|job|assignment) (here )?is to\b",
    r"\b(i|we) (need|have|should|must|will|am going)( to)? "
    r"(simulate|imitate|pretend|role-?play|act as|write (down )?(the|an) expert)",
    r"\bas an (ai|assistant|language model)\b",
    r"用户|题目要求我",
)


class RequestTalk(Scorer):
    """Share of a thought's sentences that speak of the request: 0 none, 1 all."""

    version: ClassVar[int] = 1
    kind: Literal["request_talk"] = "request_talk"
    phrases: tuple[str, ...] = _PHRASES
    """Regular expressions, matched without case; one match marks a sentence."""

    def value(self, trace: Trace) -> float:
        sentences = [s for s in _SENTENCE.findall(thought(trace)) if s.strip()]
        marked = re.compile("|".join(self.phrases), re.IGNORECASE)
        return sum(bool(marked.search(s)) for s in sentences) / max(1, len(sentences))

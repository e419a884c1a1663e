"""What a thought does that Python should do, or need not be done: found in its sentences.

CoRT (arXiv 2506.09820) names the two places where a hint goes, delayed computation and distrust of
results, and leaves open how to find them: these detectors are ours, rules of wording and counting
that can be read and changed.  They are pure functions of text; the recipe asks them while a thought
is written, the verifiers once it is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pydantic import Field, field_validator

from thoughtmill.schemas.base import Frozen

_NUMBER = r"\d[\d,_]*(?:\.\d+)?"
_SIGN = (
    r"(?:\*\*|//|[-+*/%^×÷·−]|\\times|\\cdot|\\div|\\bmod|times\b|plus\b|minus\b|mod\b"
    r"|multiplied\ by\b|divided\ by\b)"
)
_OPERATION = rf"(?<![\w.]){_NUMBER}\)?\s*{_SIGN}\s*(?=[($]?\d)"
_RESULT = r"=|≈|≡|\\approx|\\equiv|\b(?:is|are|gives|makes|equals|get|leaves|rest|remainder)\b"
_CHECK = (
    r"\b(?:let me|let's|i (?:should|will|want to|need to|had better)|i'll|better to) "
    r"(?:double[- ]?check|re-?check|re-?calculate|re-?compute|re-?do|redo|verify|check|confirm) "
)
_RESULTS = r"(?:result|number|figure|value|computation|calculation|arithmetic|output|sum|product)s?"
_DOUBT = (
    r"\bby hand\b",
    rf"{_CHECK}(?:the |this |that |these |those |my |all (?:of )?(?:the )?)?{_RESULTS}\b",
    rf"{_CHECK}(?:it|that|this|them)(?=\s*(?:$|[.,:;!?]|(?:manually|again|myself|once more)\b))",
    r"\b(?:manually|column by column)\b",
    r"\b(?:not|n't) (?:so |too |quite |entirely )?(?:sure|certain|convinced|confident)\b",
    r"\b(?:is|was) (?:that|this|it)(?: really| actually)? (?:right|correct|true)\s*\?",
    r"\bcan (?:that|this|it)(?: really)? be(?: right| correct| true)?\s*\?",
    r"\b(?:does|do)(?:n't| not) (?:look|seem|sound) (?:right|correct|plausible)\b",
    r"\b(?:don't|do not|wouldn't|would not|can't|cannot|rather not)\b[^.?!\n]{0,20}"
    r"\b(?:trust|rely on|believe)\b",
    r"\b(?:do|did|compute|calculate|work) (?:it|that|this)(?: out)? (?:over )?again\b",
    r"\bgo over (?:it|that|this) again\b",
    r"\b(?:interpreter|computer|output) (?:may|might|could) (?:be|have)\b",
)
_ABOUT_LOGIC = (
    r"\b(?:code|program|logic|function|loop|script|condition|edge cases?|range|python|sympy)\b"
)


class Sentence(NamedTuple):
    """A sentence or line of a text, by its place."""

    start: int
    end: int
    whole: bool
    """False for a last one that has no end yet."""


_LETTER = re.compile(r"\S")
_ENDS = re.compile(r"(?:[.!?]['\")\]*]*(?=\s)|$|\n)\n*", re.MULTILINE)


def sentences(text: str, since: int = 0) -> Iterator[Sentence]:
    """The sentences of a text: from the first character that is no space, line ends included."""
    at = since
    while begin := _LETTER.search(text, at):
        start = begin.start()
        found = _ENDS.search(text, start + 1)
        end = found.end() if found else len(text)
        whole = end < len(text) or text.endswith("\n")
        yield Sentence(start, end, whole)
        at = max(end, start + 1)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _valid(pattern: str) -> str:
    try:
        _compiled(pattern)
    except re.error as exc:
        raise ValueError(f"{pattern!r} is no regular expression: {exc}") from exc
    return pattern


class Scan(NamedTuple):
    """What a look at a growing text has found."""

    found: int | None
    """Where the first passage begins."""
    resume: int
    """Where the next look may begin, once the text has grown."""


class DelayedComputation(Frozen):
    """Arithmetic written out at length, where Python would have done it.

    A passage is a run of sentences that compute: each holds operations between written numbers and
    a result; one sentence in between that does not is passed over.
    """

    min_operations: int = Field(default=6, gt=0)
    """Operations of a passage from which on it is long."""
    operation: str = _OPERATION
    """Regular expression of one operation between written numbers."""
    result: str = _RESULT
    """Regular expression that a sentence must hold to be a computation, not a plan of one."""

    _regular = field_validator("operation", "result")(_valid)

    def operations(self, sentence: str) -> int:
        """Operations that a sentence carries out."""
        if not _compiled(self.result).search(sentence):
            return 0
        return len(_compiled(self.operation).findall(sentence))

    def find(self, text: str) -> int | None:
        """Where the first long passage begins; None where there is none."""
        return self.scan(text).found

    def scan(self, text: str, since: int = 0) -> Scan:
        """The first long passage from `since` on, the start of a sentence."""
        begun, count, idle, last = 0, 0, 0, since
        for sentence in sentences(text, since):
            last = sentence.start
            here = self.operations(text[sentence.start : sentence.end])
            if not here:
                idle += sentence.whole  # without an end it may still compute
                if idle > 1:
                    count = 0
                continue
            if not count:
                begun = sentence.start
            count, idle = count + here, 0
            if count >= self.min_operations:
                return Scan(begun, begun)
        return Scan(None, begun if count else last)


class Distrust(Frozen):
    """Doubt in what the interpreter printed, or doing it over by hand, right after an output.

    Doubt in the code's logic is left alone: that is worth checking.
    """

    window: int = Field(default=4, gt=0)
    """Sentences after an output that are looked at."""
    wording: tuple[str, ...] = _DOUBT
    """Regular expressions of doubt; one is enough."""
    allowed: str = _ABOUT_LOGIC
    """Regular expression of what a sentence may doubt."""
    min_operations: int = Field(default=2, gt=0)
    """Operations of a sentence that arrives at a printed number from which on it redoes it."""
    operation: str = _OPERATION
    """Regular expression of one operation between written numbers."""

    _regular = field_validator("allowed", "operation")(_valid)

    @field_validator("wording")
    @classmethod
    def _all_regular(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_valid(pattern) for pattern in value)

    def find(self, text: str, output: str) -> int | None:
        """Where distrust of `output` begins in the text that follows it; None where there is none.

        A sentence that has no end yet may still turn to the code: it is not judged.
        """
        printed = set(re.findall(r"\d{2,}", output.replace(",", "")))
        for count, sentence in enumerate(sentences(text)):
            if count >= self.window or not sentence.whole:
                return None
            said = text[sentence.start : sentence.end]
            if self._doubts(said) or self._redoes(said, printed):
                return sentence.start
        return None

    def _doubts(self, said: str) -> bool:
        if _compiled(self.allowed).search(said):
            return False
        return any(_compiled(pattern).search(said) for pattern in self.wording)

    def _redoes(self, said: str, printed: set[str]) -> bool:
        if len(_compiled(self.operation).findall(said)) < self.min_operations:
            return False
        results = re.findall(r"=\s*\$?(\d[\d,]*)", said)
        return any(result.replace(",", "") in printed for result in results)

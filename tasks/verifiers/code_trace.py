"""Checks of code-integrated traces: is there code, was it run, and does the thought rely on it.

Source: OpenMathReasoning's rejection rules (no code, broken pairs, an answer before the first
block) and CoRT's (arXiv 2506.09820: leftover distrust and delayed computation), which leaves the
detectors open: ours are those that place the hints.  A wrong answer is the cascade's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

import orjson

from thoughtmill.schemas.fences import OUTPUT, blocks, output_of
from thoughtmill.tasks.text.detectors import DelayedComputation, Distrust
from thoughtmill.tasks.verifiers.verifier import Claim, Evidence, Opinion, TraceCheck

PASSED = Opinion("correct", "passed")
_ANNOUNCED = re.compile(
    r"\\(?:boxed|fbox)\b"
    r"|\bfinal answer\b[^.?!\n]{0,20}(?::|=|\bis\b)"
    r"|\b(?:the|my) answer (?:is|must be|should be|will be)\b|^\W*answer\W*[:=]",
    re.IGNORECASE | re.MULTILINE,
)


class Part(NamedTuple):
    """A segment without its tokens."""

    kind: str
    text: str


class CodeTraceCheck(TraceCheck):
    """A check that speaks on traces of the recipe `code_integrated`, and on nothing else."""

    recipes: ClassVar[frozenset[str]] = frozenset({"code_integrated"})

    def evidence(self, claim: Claim) -> Evidence:
        parts = [(part.kind, part.text) for part in claim.segments if part.kind != "prompt"]
        return Evidence(None, None, orjson.dumps(parts).decode())

    def opinion(self, evidence: Evidence) -> Opinion:
        return self.check([Part(*part) for part in orjson.loads(evidence.context)])

    def check(self, parts: list[Part]) -> Opinion:
        """`PASSED`, or what speaks against the trace, whose prompt is left out."""
        raise NotImplementedError


class NoCode(CodeTraceCheck):
    """No block of the thought was run."""

    version: ClassVar[int] = 1
    kind: Literal["no_code"] = "no_code"

    def check(self, parts: list[Part]) -> Opinion:
        ran = any(part.kind == "output" for part in parts)
        return PASSED if ran else Opinion("incorrect", "no_code")


class BrokenPair(CodeTraceCheck):
    """Code without its output, an output without its code, or one that the teacher made up."""

    version: ClassVar[int] = 1
    kind: Literal["broken_pair"] = "broken_pair"

    def check(self, parts: list[Part]) -> Opinion:
        after = [*(part.kind for part in parts[1:]), ""]
        before = ["", *(part.kind for part in parts[:-1])]
        for part, next_, last in zip(parts, after, before, strict=True):
            if part.kind == "code" and next_ != "output":
                return Opinion("incorrect", "code_without_output")
            if part.kind == "output" and last != "code":
                return Opinion("incorrect", "output_without_code")
            if part.kind in ("think", "answer") and _made_up(part.text):
                return Opinion("incorrect", "output_never_run")
        return PASSED


def _made_up(prose: str) -> bool:
    return any(block.language == OUTPUT for block in blocks(prose))


class AnswerBeforeCode(CodeTraceCheck):
    """A final answer, boxed or announced, before the first block: the code came too late to help.

    Undecided where there is no code.
    """

    version: ClassVar[int] = 1
    kind: Literal["answer_before_code"] = "answer_before_code"

    def check(self, parts: list[Part]) -> Opinion:
        kinds = [part.kind for part in parts]
        if "code" not in kinds:
            return Opinion("undecided", "no_code")
        before = (part.text for part in parts[: kinds.index("code")] if part.kind == "think")
        if any(_ANNOUNCED.search(text) for text in before):
            return Opinion("incorrect", "answer_before_code")
        return PASSED


class LeftoverDistrust(CodeTraceCheck):
    """Distrust of a printed result that stayed in the thought."""

    version: ClassVar[int] = 1
    kind: Literal["leftover_distrust"] = "leftover_distrust"
    detector: Distrust = Distrust()
    """What counts as distrust."""

    def check(self, parts: list[Part]) -> Opinion:
        for text, output in _after_outputs(parts):
            if self.detector.find(f"{text}\n", output) is not None:
                return Opinion("incorrect", "leftover_distrust")
        return PASSED


def _after_outputs(parts: list[Part]) -> Iterator[tuple[str, str]]:
    """What is thought after each output, up to the next code; a hint may stand before it."""
    output: str | None = None
    for part in parts:
        if part.kind == "output":
            output = output_of(part.text)
        elif part.kind == "think" and output is not None:
            yield part.text, output
        elif part.kind != "hint":
            output = None


class LeftoverDelayed(CodeTraceCheck):
    """Arithmetic written out at length that stayed in the thought."""

    version: ClassVar[int] = 1
    kind: Literal["leftover_delayed"] = "leftover_delayed"
    detector: DelayedComputation = DelayedComputation()
    """What counts as long."""

    def check(self, parts: list[Part]) -> Opinion:
        for part in parts:
            if part.kind == "think" and self.detector.find(part.text) is not None:
                return Opinion("incorrect", "leftover_delayed")
        return PASSED

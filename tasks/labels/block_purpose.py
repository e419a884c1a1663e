"""Whether a block of code calculates something new or verifies what is known.

Source: CoRT (arXiv 2506.09820) counts blocks as calculation or verification (51 % calculation with
engineered hints, 82 % verification with a prompt hint) and does not say by which rule: ours are
below.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from thoughtmill.schemas.fences import code_at, output_of
from thoughtmill.schemas.rows import Label, Trace
from thoughtmill.tasks.labels.labeller import Labeller

Purpose = Literal["calculation", "verification"]
_CHECKING = (
    r"\b(?:check|verify|verif(?:ies|ying|ication)|confirm|validate|double[- ]check|sanity|"
    r"make sure|test (?:of|that|this|the|it|whether)|another way|other way|agrees?|holds)\b"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


class BlockPurpose(Labeller):
    """`calculation` or `verification` for each code segment.

    A block verifies where it ends in an assertion or in a comparison for equality, where the
    sentence before it or its first comment says that something is checked, or where all the numbers
    it prints have been printed before.  Everything else calculates.
    """

    version: ClassVar[int] = 1
    kind: Literal["block_purpose"] = "block_purpose"
    checking: str = _CHECKING
    """Regular expression of words that announce a check."""

    def labels(self, trace: Trace) -> Sequence[Label]:
        labels, printed = [], set[str]()
        segments = trace.segments
        for position, segment in enumerate(segments):
            if segment.kind != "code":
                continue
            before = segments[position - 1]
            after = segments[position + 1] if position + 1 < len(segments) else None
            output = output_of(after.text) if after and after.kind == "output" else ""
            numbers = set(_NUMBER.findall(output))
            said = _last_sentence(before.text) if before.kind in ("think", "hint") else ""
            purpose = self._purpose(code_at(segments, position), said, numbers, printed)
            labels.append(
                Label(trace_id=trace.trace_id, position=position, labeller=self.name, label=purpose)
            )
            printed |= numbers
        return labels

    def _purpose(self, code: str, said: str, numbers: set[str], printed: set[str]) -> Purpose:
        checking = re.compile(self.checking, re.IGNORECASE)
        comment = re.search(r"^\s*#(.*)", code)
        announced = checking.search(said) or (comment and checking.search(comment[1]))
        again = bool(numbers) and numbers <= printed
        return "verification" if announced or again or _asserts(code) else "calculation"


def _last_sentence(text: str) -> str:
    """The last sentence of prose, without an opening fence after it."""
    prose = re.sub(r"```\w*\s*$", "", text.rstrip()).rstrip()
    return re.split(r"(?<=[.!?:])\s+|\n+", prose)[-1]


def _asserts(code: str) -> bool:
    """Whether a block ends in an assertion, or in nothing but a comparison for equality."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    body = [node for node in body if not _says_ok(node)]
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.Assert):
        return True
    value = last.value if isinstance(last, ast.Expr) else None
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "print" and value.args:
        value = value.args[-1]
    return isinstance(value, ast.Compare) and all(
        isinstance(sign, ast.Eq | ast.NotEq) for sign in value.ops
    )


def _says_ok(node: ast.stmt) -> bool:
    """`print("ok")` and its like, which come after an assertion."""
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and getattr(call.func, "id", "") == "print"
        and all(isinstance(argument, ast.Constant) for argument in call.args)
    )

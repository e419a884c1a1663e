"""reasoning-gym's own scorers, for its own problems.  Workers only: some take seconds or choke."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from thoughtmill.schemas.rows import Item
from thoughtmill.tasks.answers.extract import find_answer
from thoughtmill.tasks.verifiers.verifier import (
    Claim,
    ClaimKind,
    Evidence,
    IsolatedVerifier,
    Opinion,
)

_KEY = "reasoning_gym"
_PASS = 0.99
_EVALUATES = frozenset(
    [
        "binary_matrix",
        "bitwise_arithmetic",
        "composite",
        "countdown",
        "intermediate_integration",
        "n_queens",
        "number_sorting",
        "polynomial_multiplication",
        "puzzle24",
        "simple_integration",
        "spiral_matrix",
        "string_insertion",
    ]
)
"""Tasks whose scorers are `eval`, sympy's parser included, on answer, gold or metadata."""
_FUNCTIONS = "sin|cos|tan|sec|csc|cot|asin|acos|atan|sinh|cosh|tanh|exp|log|ln|sqrt"
_RUNS_CODE = re.compile(
    r"__|[\\#]|\.\s*[^\W\d]|[\])'\"]\s*\(|\b(?:lambda|for|import)\b"
    rf"|(?<!\w)(?!(?:{_FUNCTIONS})\s*\()[^\W\d]\w*\s*\("
)
"""What an expression of those tasks never needs: attributes, calls but of functions, `lambda`."""


class ReasoningGym(IsolatedVerifier):
    """The task's scorer on the answer: correct from `threshold` up; the score is kept."""

    version: ClassVar[int] = 2
    kinds: ClassVar[frozenset[ClaimKind]] = frozenset({"gym"})
    rank: ClassVar[int] = 20
    graded: ClassVar[bool] = True
    kind: Literal["reasoning_gym"] = "reasoning_gym"
    threshold: float = Field(default=_PASS, ge=0, le=1)
    """Least score that passes; several tasks give part of a point for a well-formed answer."""
    timeout_s: float = Field(default=30.0, gt=0)
    """Seconds for one answer, which may have to load the task first."""

    def evidence(self, claim: Claim) -> Evidence:
        context = json.dumps([claim.problem, claim.meta[_KEY]])
        return Evidence(claim.gold, find_answer(claim.response).text, context)

    def opinion(self, evidence: Evidence) -> Opinion:
        from thoughtmill.tasks.sources.reasoning_gym import score

        if evidence.answer is None:
            return Opinion("incorrect", "no_answer", 0.0)
        problem, note = json.loads(evidence.context)
        item = Item(
            item_id="",
            kind="problem",
            text=problem,
            reference=evidence.gold,
            source=_KEY,
            meta={_KEY: note},
        )
        try:
            told = json.loads(note)
            texts = _texts([evidence.answer, evidence.gold, told["metadata"]])
            if told["task"] in _EVALUATES and any(map(_RUNS_CODE.search, texts)):
                return Opinion("undecided", "runs_code")
            points = score(item, evidence.answer)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return Opinion("undecided", "scorer_failed")
        passed = points >= self.threshold
        return Opinion("correct" if passed else "incorrect", "scorer", points)


def _texts(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)

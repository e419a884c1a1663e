"""reasoning-gym's own scorers, for its own problems.  Workers only: some take seconds or choke."""

from __future__ import annotations

import json
from typing import ClassVar, Literal

from pydantic import Field

from schemas.rows import Item
from tasks.verifiers.extract import find_answer
from tasks.verifiers.verifier import Claim, ClaimKind, Evidence, IsolatedVerifier, Opinion

_KEY = "reasoning_gym"
_PASS = 0.99


class ReasoningGym(IsolatedVerifier):
    """The task's scorer on the answer: correct from `threshold` up; the score is kept."""

    version: ClassVar[int] = 1
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
        from tasks.sources.reasoning_gym import score

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
            points = score(item, evidence.answer)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return Opinion("undecided", "scorer_failed")
        passed = points >= self.threshold
        return Opinion("correct" if passed else "incorrect", "scorer", points)

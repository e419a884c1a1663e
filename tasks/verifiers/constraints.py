"""Instruction following: constraints that a program can check, by IFEval's ids and arguments.

JSON in `Item.meta["constraints"]`: IFEval's own `{"instruction_id_list": […], "kwargs": […]}`, or a
list of `{"id": …, "kwargs": {…}}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

from thoughtmill.tasks.answers.extract import visible
from thoughtmill.tasks.verifiers.constraint_checks import CHECKS, Unknown
from thoughtmill.tasks.verifiers.verifier import Claim, ClaimKind, Evidence, Opinion, Verifier


class Constraint(NamedTuple):
    id: str
    kwargs: Mapping[str, Any]


class Constraints(Verifier):
    """Share of the constraints that the visible response keeps; correct when it keeps all.

    Source: IFEval, strict accuracy (arXiv 2311.07911).  Sentences and languages are told by simple
    rules of our own instead of nltk and langdetect.
    """

    version: ClassVar[int] = 2
    kinds: ClassVar[frozenset[ClaimKind]] = frozenset({"constraints"})
    rank: ClassVar[int] = 10
    graded: ClassVar[bool] = True
    kind: Literal["constraints"] = "constraints"

    def evidence(self, claim: Claim) -> Evidence:
        return Evidence(None, visible(claim.response), claim.meta["constraints"])

    def opinion(self, evidence: Evidence) -> Opinion:
        wanted = constraints_of(evidence.context)
        if not wanted:
            return Opinion("undecided", "no_constraints")
        if not (evidence.answer or "").strip():
            return Opinion("incorrect", "no_answer", 0.0)
        kept = []
        for constraint in wanted:
            check = CHECKS.get(constraint.id)
            if check is None:
                return Opinion("undecided", "unknown_constraint")
            try:
                kept.append(check(evidence.answer or "", **constraint.kwargs))
            except Unknown:
                return Opinion("undecided", "unknown_language")
            except (TypeError, ValueError, AttributeError, KeyError):
                return Opinion("undecided", "bad_constraint")
        share = sum(kept) / len(kept)
        if all(kept):
            return Opinion("correct", "constraints_kept", share)
        return Opinion("incorrect", "constraints_broken", share)


def constraints_of(text: str) -> list[Constraint] | None:
    """Constraints in either layout; None where the JSON is neither."""
    try:
        read = json.loads(text)
        if isinstance(read, dict):
            pairs = list(zip(read["instruction_id_list"], read["kwargs"], strict=True))
        else:
            pairs = [(one["id"], one.get("kwargs", {})) for one in read]
        return [
            Constraint(id_, {k: v for k, v in (kwargs or {}).items() if v is not None})
            for id_, kwargs in pairs
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None

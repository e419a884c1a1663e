"""Verifiers, one file each, and the cascade that asks them from cheap to costly.

`AnyVerifier` is the table that configs choose from.
"""

from __future__ import annotations

from tasks.verifiers.cascade import AnyVerifier, Cascade, settled
from tasks.verifiers.constraints import Constraints
from tasks.verifiers.exact import Exact
from tasks.verifiers.execution import Execution
from tasks.verifiers.gym import ReasoningGym
from tasks.verifiers.judge import Judge
from tasks.verifiers.multiple_choice import MultipleChoice
from tasks.verifiers.pool import Workers
from tasks.verifiers.remote import CodeRun, CodeRunner, Helpers
from tasks.verifiers.symbolic import Symbolic
from tasks.verifiers.verifier import Claim, Opinion, Verifier

__all__ = [
    "AnyVerifier",
    "Cascade",
    "Claim",
    "CodeRun",
    "CodeRunner",
    "Constraints",
    "Exact",
    "Execution",
    "Helpers",
    "Judge",
    "MultipleChoice",
    "Opinion",
    "ReasoningGym",
    "Symbolic",
    "Verifier",
    "Workers",
    "settled",
]

"""Verifiers, one file each, and the cascade that asks them from cheap to costly.

`AnyVerifier` is the table that configs choose from.
"""

from __future__ import annotations

from thoughtmill.tasks.verifiers.cascade import AnyVerifier, Cascade, settled
from thoughtmill.tasks.verifiers.constraints import Constraints
from thoughtmill.tasks.verifiers.exact import Exact
from thoughtmill.tasks.verifiers.execution import Execution
from thoughtmill.tasks.verifiers.gym import ReasoningGym
from thoughtmill.tasks.verifiers.judge import Judge
from thoughtmill.tasks.verifiers.multiple_choice import MultipleChoice
from thoughtmill.tasks.verifiers.pool import Workers
from thoughtmill.tasks.verifiers.remote import CodeRun, CodeRunner, Helpers
from thoughtmill.tasks.verifiers.symbolic import Symbolic
from thoughtmill.tasks.verifiers.verifier import Claim, Opinion, Verifier

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

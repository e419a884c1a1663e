"""Opinions on many claims, each distinct evidence judged once."""

from __future__ import annotations

from collections.abc import Iterable

from thoughtmill.tasks.verifiers.pool import Done, Workers
from thoughtmill.tasks.verifiers.verifier import Evidence, IsolatedVerifier, Opinion, Verifier


def opinions(
    verifier: Verifier, evidences: Iterable[Evidence], workers: Workers
) -> dict[Evidence, Opinion]:
    """The verifier's opinion of each distinct evidence.

    An isolated verifier works in the pool; a call that fails, there or here, leaves its evidence
    undecided.
    """
    distinct = list(dict.fromkeys(evidences))
    if not isinstance(verifier, IsolatedVerifier):
        return {evidence: _opinion(verifier, evidence) for evidence in distinct}
    results = workers.map(verifier.opinion, distinct, timeout_s=verifier.timeout_s)
    return {
        evidence: result.value if isinstance(result, Done) else Opinion("undecided", result.reason)
        for evidence, result in zip(distinct, results, strict=True)
    }


def _opinion(verifier: Verifier, evidence: Evidence) -> Opinion:
    try:
        return verifier.opinion(evidence)
    except Exception:  # one answer that trips a verifier up must not end the grading of the others
        return Opinion("undecided", "crashed")

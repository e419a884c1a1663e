"""The cheap tier: answers that can be compared without symbolic work, in this process."""

from __future__ import annotations

from typing import ClassVar, Literal

from tasks.verifiers.answers import Text, readings
from tasks.verifiers.compare import compare
from tasks.verifiers.extract import boxes, find_answer, is_prose, numbers
from tasks.verifiers.verifier import Claim, ClaimKind, Evidence, Opinion, Verifier

MAX_GOLD_CHARS = 5_000
_UNSURE = ("math", "number", "parts")
_UNMARKED = ("math", "number")
"""Ways of finding an answer that only a number can be trusted to."""


class Exact(Verifier):
    """Numbers, units, sets, intervals, expressions and words, by `compare`'s rules.

    It answers `undecided` for whatever needs a computer algebra system, never guessing.
    """

    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[ClaimKind]] = frozenset({"plain", "unmarked"})
    rank: ClassVar[int] = 10
    kind: Literal["exact"] = "exact"
    accept_rounded_gold: bool = False
    """Take a rounded decimal as gold for what rounds to it: 83.3 for 250/3.  Else undecided."""

    def evidence(self, claim: Claim) -> Evidence:
        return plain_evidence(claim)

    def opinion(self, evidence: Evidence) -> Opinion:
        refusal = refused(evidence)
        if refusal:
            return refusal
        assert evidence.gold is not None
        assert evidence.answer is not None
        if evidence.context == "parts":
            return Opinion("undecided", "several_parts")
        told = compare(evidence.gold, evidence.answer)
        if told.equal is not True and is_prose(evidence.answer) and not _is_words(evidence.gold):
            return _in_prose(evidence.gold, evidence.answer)
        if told.reason == "rounding" and self.accept_rounded_gold:
            return Opinion("correct", "rounding")
        if told.equal:
            return Opinion("correct", told.reason)
        if told.equal is None:
            return Opinion("undecided", told.reason)
        if evidence.context in _UNMARKED and _is_words(evidence.gold):
            return Opinion("undecided", "unmarked_answer")
        return Opinion("incorrect", told.reason)


def _in_prose(gold: str, sentence: str) -> Opinion:
    """A sentence that holds one number gives that one as its answer."""
    found = numbers(sentence)
    if len(found) != 1:
        return Opinion("undecided", "several_numbers" if found else "words")
    told = compare(gold, found[0])
    if told.equal is None:
        return Opinion("undecided", told.reason)
    return Opinion("correct" if told.equal else "incorrect", told.reason)


def plain_evidence(claim: Claim) -> Evidence:
    """Gold and answer alone, and how the answer was found."""
    found = find_answer(claim.response)
    gold = claim.gold
    if gold and "\\boxed" in gold:
        gold = boxes(gold) or gold
    return Evidence(gold, found.text, found.how if found.how in _UNSURE else "")


def refused(evidence: Evidence) -> Opinion | None:
    """The opinion where gold or answer is missing or out of all proportion; else None."""
    if evidence.gold is None or not evidence.gold.strip():
        return Opinion("undecided", "no_gold")
    if len(evidence.gold) > MAX_GOLD_CHARS:
        return Opinion("undecided", "gold_too_long")
    if evidence.answer is None:
        return Opinion("incorrect", "no_answer")
    if len(evidence.answer) > 4 * MAX_GOLD_CHARS:
        return Opinion("undecided", "answer_too_long")
    return None


def _is_words(gold: str) -> bool:
    return any(isinstance(reading, Text) for reading in readings(gold)) or not readings(gold)

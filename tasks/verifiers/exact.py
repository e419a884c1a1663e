"""The cheap tier: answers that can be compared without symbolic work, in this process."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from thoughtmill.tasks.answers.answers import Text, readings
from thoughtmill.tasks.answers.compare import compare
from thoughtmill.tasks.answers.extract import boxes, find_answer, is_prose, numbers
from thoughtmill.tasks.answers.units import unit_of
from thoughtmill.tasks.verifiers.verifier import Claim, ClaimKind, Evidence, Opinion, Verifier

MAX_GOLD_CHARS = 5_000
_UNSURE = ("math", "number", "parts", "box", "boxes", "unclaimed")
_UNMARKED = ("math", "number")
"""Ways of finding an answer that only a number can be trusted to."""


_HEDGED = re.compile(
    r"n't\b|\b(?:not|never|neither|cannot|at (?:least|most))\b"
    r"|\b(?:more|less|fewer|greater|smaller) than\b",
    re.IGNORECASE,
)
_AFTER_NUMBER = re.compile(
    r"[\s$]*(?:in base[ -](?P<base>\w+)|(?P<unit>(?!in\b)[A-Za-z°µ]+"
    r"(?:\^?[23²³]|/[A-Za-z]+|\s+per\s+[A-Za-z]+|\s+(?:squared|cubed)\b)?))"
)
"""The unit or the base behind a number in a sentence."""


class Exact(Verifier):
    """Numbers, units, sets, intervals, expressions and words, by `compare`'s rules.

    It answers `undecided` for whatever needs a computer algebra system, never guessing.
    """

    version: ClassVar[int] = 3
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
        if evidence.context == "unclaimed" and (
            told.reason != "same_text" or re.search(r"\d", evidence.answer)
        ):
            return Opinion("undecided", "unmarked_answer")
        if evidence.context == "boxes":
            return Opinion("undecided", "several_boxes")
        if told.equal is not True and is_prose(evidence.answer) and evidence.context == "box":
            return Opinion("undecided", "words")
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
    if _HEDGED.search(sentence):
        return Opinion("undecided", "words")
    told = compare(gold, _measured(found[0], sentence))
    if told.equal is None:
        return Opinion("undecided", told.reason)
    return Opinion("correct" if told.equal else "incorrect", told.reason)


def _measured(number: str, sentence: str) -> str:
    """The number with the unit or the base that follows it: a wrong one is a wrong answer."""
    after = _AFTER_NUMBER.match(sentence.rpartition(number)[2])
    if after is None:
        return number
    if after["base"]:
        return f"{number} in base {after['base']}"
    unit = unit_of(after["unit"])
    return f"{number} {after['unit']}" if unit and not unit.is_noun else number


def plain_evidence(claim: Claim) -> Evidence:
    """Gold and answer alone, and how the answer was found."""
    found = find_answer(claim.response)
    gold = stated(claim.gold) if claim.gold else claim.gold
    return Evidence(gold, found.text, found.how if found.how in _UNSURE else "")


_GOLD_LEAD = re.compile(
    r"^\s*(?:the\s+)?(?:final\s+)?answer\s*(?::|is\b:?)\s*(?=\S)", re.IGNORECASE
)


def stated(gold: str) -> str:
    """The answer in a gold that is a box, a solution in GSM8K's form, or says `Answer:`."""
    if "\\boxed" in gold:
        return boxes(gold) or gold
    if "####" in gold:
        return (
            gold.rpartition("####")[2].strip().splitlines()[0].strip()
            if gold.rpartition("####")[2].strip()
            else gold
        )
    return _GOLD_LEAD.sub("", gold)


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

"""Multiple choice: a letter, an option's text, or both, resolved to one option."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from tasks.verifiers.compare import compare
from tasks.verifiers.exact import plain_evidence, refused
from tasks.verifiers.verifier import Claim, ClaimKind, Evidence, Opinion, Verifier

_LETTER = re.compile(
    r"^(?:\\text(?:bf)?\{)?\s*(?:option|choice|answer)?\s*\(?\s*([A-Za-z])\s*(?:[).:}]\s*|$)(.*)$",
    re.DOTALL | re.IGNORECASE,
)
_OTHER = re.compile(r"(?:^|(?<=[\s(,/&]))([A-Z])(?=[).:,]|$)")


class MultipleChoice(Verifier):
    """Whether gold and answer name the same option, by letter or by what the option says."""

    version: ClassVar[int] = 2
    kinds: ClassVar[frozenset[ClaimKind]] = frozenset({"choice"})
    rank: ClassVar[int] = 10
    kind: Literal["multiple_choice"] = "multiple_choice"

    def evidence(self, claim: Claim) -> Evidence:
        return plain_evidence(claim)._replace(context=json.dumps(claim.choices))

    def opinion(self, evidence: Evidence) -> Opinion:
        refusal = refused(evidence)
        if refusal:
            return refusal
        choices: list[str] = json.loads(evidence.context)
        gold = option_of(evidence.gold or "", choices)
        answer = option_of(evidence.answer or "", choices)
        if gold is None:
            return Opinion("undecided", "gold_no_option")
        if answer is None:
            return Opinion("undecided", "no_option")
        same = gold == answer
        return Opinion(
            "correct" if same else "incorrect", "same_option" if same else "other_option"
        )


def option_of(text: str, choices: Sequence[str]) -> int | None:
    """The number of the option that `text` names; None for none, several, or a contradiction.

    An option's whole text goes before a letter: among the options `B`, `A` the answer `A` is the
    second.
    """
    said = text.strip().strip("*$").strip()
    exact = [n for n, choice in enumerate(choices) if said in (choice.strip(), _bare(choice))]
    if len(exact) == 1:
        return exact[0]
    letter = _LETTER.match(said)
    if letter:
        named = ord(letter[1].upper()) - ord("A")
        rest = letter[2].strip().strip("*$})").strip()
        if named < len(choices):
            if not rest:
                return named
            others = {ord(other) - ord("A") for other in _OTHER.findall(rest)} - {named}
            if any(other < len(choices) for other in others):
                return None  # `(A) or (B)`
            if compare(_bare(choices[named]), rest).equal:
                return named
            return None if _by_content(rest, choices) is not None else named
    return _by_content(said, choices)


def _by_content(text: str, choices: Sequence[str]) -> int | None:
    same = [n for n, choice in enumerate(choices) if compare(_bare(choice), text).equal]
    return same[0] if len(same) == 1 else None


def _bare(choice: str) -> str:
    """An option without the letter some sources write before it."""
    return re.sub(r"^\(?[A-Z][).:]\s+|^\([A-Z]\)\s*", "", choice.strip()).strip()

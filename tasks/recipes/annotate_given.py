"""What an annotation is given: a gold answer, option or action, and how a conclusion is held to it.

The comparison is the exact tier's, the options' or the action grammar's: cheap and pure.  Answers
to questions that the exact tier can't decide stay undecided; costlier verifiers may look later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Literal

from thoughtmill.schemas.rows import Item
from thoughtmill.tasks.steps.actions import Actions
from thoughtmill.tasks.verifiers.exact import Exact
from thoughtmill.tasks.verifiers.multiple_choice import MultipleChoice, option_of
from thoughtmill.tasks.verifiers.verifier import Claim, Opinion

GivenKind = Literal["question", "choice", "step"]
_EXACT = Exact()
_CHOICE = MultipleChoice()
_OWN_LETTER = re.compile(r"^\s*\(?([A-Za-z])[).:]\s+")


@dataclass(frozen=True)
class Refused:
    """Why an item can't be annotated."""

    reason: str
    """`no_gold`, `gold_no_option`, `too_many_options`, or the reason of the action grammar."""
    detail: str


@dataclass(frozen=True)
class Given:
    """An item with a gold that will do."""

    kind: GivenKind
    item: Item
    gold: str
    """As the teacher is told it: the answer, the letter of the option, or the action."""
    actions: Actions

    @property
    def options(self) -> str:
        """The options, one a line, each after its letter."""
        return "\n".join(
            f"{letter}. {text}"
            for letter, text in zip(ascii_uppercase, bare(self.item.choices), strict=False)
        )

    def spelled(self, said: str | None) -> str | None:
        """A conclusion in the spelling of the gold, where it can be read; else as it is."""
        if said is None or self.kind == "question":
            return said
        if self.kind == "step":
            return self.actions.read(said).action or said
        option = option_of(said, self.item.choices)
        return said if option is None else ascii_uppercase[option]

    def judged(self, said: str | None) -> Opinion:
        """Whether a conclusion is the gold; `undecided` where that can't be told."""
        if said is None:
            return Opinion("undecided", "no_conclusion")
        if self.kind == "step":
            reading = self.actions.read(said)
            if reading.action is None:
                return Opinion("undecided", reading.reason)
            same = reading.action == self.gold
            return Opinion(
                "correct" if same else "incorrect", "same_action" if same else "other_action"
            )
        claim = Claim("", f"Answer: {said}", gold=self.gold, choices=self.item.choices)
        verifier = _CHOICE if self.kind == "choice" else _EXACT
        opinion = verifier.opinion(verifier.evidence(claim))
        if opinion.reason == "no_answer":
            return Opinion("undecided", "no_conclusion")
        return opinion

    def arrived(self, opinion: Opinion) -> Opinion:
        """An opinion that counts what is nowhere as `incorrect`, with its reason.

        Undecided stays only a question's answer that a costlier verifier may still find right: who
        concludes nothing, or names no option or no action, has not arrived at the gold.
        """
        open_ended = self.kind == "question" and opinion.reason != "no_conclusion"
        if opinion.outcome != "undecided" or open_ended:
            return opinion
        return Opinion("incorrect", opinion.reason)


def given(item: Item, actions: Actions) -> Given | Refused:
    """What an item gives to annotate."""
    gold = (item.reference or "").strip()
    if not gold:
        return Refused("no_gold", "the item has no gold answer or action")
    if item.kind == "step":
        reading = actions.read(gold)
        if reading.action is None:
            return Refused(reading.reason, f"its action {gold[:80]!r} is none of the grammar's")
        return Given("step", item, reading.action, actions)
    if not item.choices:
        return Given("question", item, gold, actions)
    if len(item.choices) > len(ascii_uppercase):
        return Refused("too_many_options", f"{len(item.choices)} options, letters end at 26")
    option = option_of(gold, item.choices)
    if option is None:
        return Refused("gold_no_option", f"its gold {gold[:80]!r} names none of its options")
    return Given("choice", item, ascii_uppercase[option], actions)


def bare(choices: tuple[str, ...]) -> list[str]:
    """Options without letters of their own, where every one has the letter of its place."""
    own = [_OWN_LETTER.match(choice) for choice in choices]
    lettered = all(
        match and match[1].upper() == letter
        for match, letter in zip(own, ascii_uppercase, strict=False)
    )
    return [
        choice[match.end() :] if lettered and match else choice
        for choice, match in zip(choices, own, strict=True)
    ]

"""Two traces of one item side by side: right and wrong, long and short."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from thoughtmill.warehouse.layouts.turns import ConversationLayout


class PairLayout(ConversationLayout):
    """Two of the assistant's turns to one prompt, both drawn, both by recipes that answer."""

    same_teacher: bool = True
    """Whether both traces of a pair come from one teacher with one sampling."""
    same_recipe: bool = True
    """Whether both come from one recipe with the same settings."""

    @model_validator(mode="after")
    def _alike(self) -> Self:
        if 0 < self.no_think_share < 1:
            raise ValueError("no_think_share: both turns of a pair are to be alike: set 0 or 1")
        return self


class Preference(PairLayout):
    """One row for each accepted trace that a wrong one of its item can be set against (DPO).

    Wrong is what was judged incorrect; a trace without a verdict is on neither side.  The columns
    are TRL's: `prompt`, `chosen` and `rejected` as messages.
    """

    kind: Literal["preference"] = "preference"
    truncated: bool = False
    """Whether a trace that its token limit cut off may be the rejected one."""
    fields: ClassVar[dict[str, str]] = {
        "prompt": "Messages before the assistant's turn.",
        "chosen": "The assistant's turn in an accepted trace.",
        "rejected": "The assistant's turn in an incorrect trace of the same item.",
        "chosen_teacher": "Name of the model that wrote the accepted trace.",
        "rejected_teacher": "Name of the model that wrote the incorrect trace.",
        "chosen_id": "Id of the accepted trace.",
        "rejected_id": "Id of the incorrect trace.",
    }

    def conversations(self) -> dict[str, str]:
        rejected = "(SELECT position, rejected_id AS trace_id FROM pairs)"
        return {"{conversation}": "pairs", "{conversation of rejected}": rejected}


class LongShort(PairLayout):
    """One row for each accepted trace whose item also has an accepted trace with a much shorter
    thought, both drawn."""

    kind: Literal["long_short"] = "long_short"
    ratio: float = Field(default=0.5, gt=0, le=1)
    """Longest short thought, as a share of the long one's tokens."""
    fields: ClassVar[dict[str, str]] = {
        "prompt": "Messages before the assistant's turn.",
        "long": "The assistant's turn with the long thought.",
        "short": "The assistant's turn in the item's shortest accepted trace.",
        "long_tokens": "Length of the long thought in its teacher's tokens.",
        "short_tokens": "Length of the short thought in its teacher's tokens.",
        "long_id": "Id of the long trace.",
        "short_id": "Id of the short trace.",
    }

    def conversations(self) -> dict[str, str]:
        short = "(SELECT position, short_id AS trace_id FROM pairs)"
        return {"{conversation}": "pairs", "{conversation of short}": short}

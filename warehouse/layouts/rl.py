"""Prompts for reinforcement learning: a problem, its reference and how often it was solved."""

from __future__ import annotations

from typing import ClassVar, Literal

from thoughtmill.warehouse.layouts.turns import ConversationLayout


class Rl(ConversationLayout):
    """One row an item.  `data_source`, `prompt`, `ability`, `reward_model` and `extra_info` are the
    columns that verl reads."""

    kind: Literal["rl"] = "rl"
    fields: ClassVar[dict[str, str]] = {
        "prompt": "Messages before the assistant's turn.",
        "pass_rate": "Share of the teacher's decided draws that solved the problem.",
        "draws": "Decided draws behind the pass rate.",
        "band": "hard, medium or easy for this teacher.",
        "category": "Category of the item, which says what counts as a pass.",
        "data_source": "Name of the source the item was read from.",
        "ability": "The item's domain.",
        "reward_model": "How an answer is judged: by rule against `ground_truth`.",
        "extra_info": "Place in the set, id of the item, teacher of the pass rate.",
    }

    def conversations(self) -> dict[str, str]:
        return {"{conversation}": "firsts"}

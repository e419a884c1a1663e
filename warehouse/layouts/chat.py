"""Conversations: OpenAI messages and ShareGPT turns, with or without the thought."""

from __future__ import annotations

from typing import ClassVar, Literal

from thoughtmill.warehouse.layouts.turns import FIELDS, ConversationLayout


class Chat(ConversationLayout):
    """One row a trace: its conversation as OpenAI messages."""

    kind: Literal["chat"] = "chat"
    fields: ClassVar[dict[str, str]] = {"messages": "OpenAI chat messages.", **FIELDS}


class ShareGpt(ConversationLayout):
    """One row a trace: its conversation as ShareGPT turns."""

    kind: Literal["sharegpt"] = "sharegpt"
    thought: Literal["inline", "none"] = "inline"
    """Between its tags before the answer, or left out of every row."""
    fields: ClassVar[dict[str, str]] = {
        "conversations": "ShareGPT turns: `from` human, gpt or system, and `value`.",
        **FIELDS,
    }

"""How a published row is laid out, one file a layout; `AnyLayout` is what configs choose from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from warehouse.layouts.action_planning import ActionPlanning
from warehouse.layouts.chat import Chat, ShareGpt
from warehouse.layouts.cot import Cot
from warehouse.layouts.deepdistill import DeepDistill
from warehouse.layouts.fenced_text import FencedText
from warehouse.layouts.instruction import Instruction
from warehouse.layouts.pairs import LongShort, Preference
from warehouse.layouts.rationale import Rationale
from warehouse.layouts.rl import Rl
from warehouse.layouts.text import Text
from warehouse.layouts.tokens import Tokens
from warehouse.layouts.tool_calls import ToolCalls

AnyLayout = Annotated[
    Text
    | Chat
    | ShareGpt
    | Preference
    | LongShort
    | Rl
    | Tokens
    | FencedText
    | ToolCalls
    | DeepDistill
    | Rationale
    | ActionPlanning
    | Cot
    | Instruction,
    Field(discriminator="kind"),
]
"""A discriminated union over `kind`."""

__all__ = [
    "ActionPlanning",
    "AnyLayout",
    "Chat",
    "Cot",
    "DeepDistill",
    "FencedText",
    "Instruction",
    "LongShort",
    "Preference",
    "Rationale",
    "Rl",
    "ShareGpt",
    "Text",
    "Tokens",
    "ToolCalls",
]

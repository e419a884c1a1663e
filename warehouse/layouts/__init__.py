"""How a published row is laid out, one file a layout; `AnyLayout` is what configs choose from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thoughtmill.warehouse.layouts.action_planning import ActionPlanning
from thoughtmill.warehouse.layouts.chat import Chat, ShareGpt
from thoughtmill.warehouse.layouts.cot import Cot
from thoughtmill.warehouse.layouts.deepdistill import DeepDistill
from thoughtmill.warehouse.layouts.fenced_text import FencedText
from thoughtmill.warehouse.layouts.instruction import Instruction
from thoughtmill.warehouse.layouts.pairs import LongShort, Preference
from thoughtmill.warehouse.layouts.rationale import Rationale
from thoughtmill.warehouse.layouts.rl import Rl
from thoughtmill.warehouse.layouts.text import Text
from thoughtmill.warehouse.layouts.tokens import Tokens
from thoughtmill.warehouse.layouts.tool_calls import ToolCalls

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

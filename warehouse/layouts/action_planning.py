"""Rendering of an annotated step: predict the next actions from what was seen.

Source: Aux-Think, arXiv 2505.11886 (its main training task, three actions).  The prompt is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.layouts.pictured import StepLayout, next_actions


class ActionPlanning(StepLayout):
    """Images and instruction in, the next actions out; fewer at the end of an episode."""

    kind: Literal["action_planning"] = "action_planning"
    prompt: str = (
        "You are a robot, and the pictures are what you have seen: {history} earlier views in "
        "order of time, then the present one. Your task: {instruction}\n\n"
        "Name your next {count} actions, without giving reasons."
    )
    """`{instruction}`, `{history}` and `{count}` are replaced."""
    separator: str = ", "
    """Between actions."""

    def rows(self, trace: Trace, item: Item) -> Iterable[dict[str, Any]]:
        plan = next_actions(item)
        if item.kind == "step" and plan:
            yield self.row(trace, item, self.prompt, self.separator.join(plan))

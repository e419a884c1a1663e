"""Rendering of an annotated step: reason about what was seen, then act.

Source: Aux-Think, arXiv 2505.11886 (an auxiliary training task).  Prompt and tags are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.layouts.pictured import StepLayout, rationale


class Cot(StepLayout):
    """Images and instruction in, the annotated reasoning and the true action out."""

    kind: Literal["cot"] = "cot"
    prompt: str = (
        "You are a robot, and the pictures are what you have seen: {history} earlier views in "
        "order of time, then the present one. Your task: {instruction}\n\n"
        "Reason about what to do now, then name your next action."
    )
    """`{instruction}`, `{history}` and `{count}` are replaced."""
    open_tag: str = "<think>\n"
    """Before the reasoning."""
    close_tag: str = "\n</think>\n\n"
    """Between the reasoning and the action."""

    def rows(self, trace: Trace, item: Item) -> Iterable[dict[str, Any]]:
        reasoning = rationale(trace)
        if item.kind == "step" and reasoning and item.reference:
            response = f"{self.open_tag}{reasoning}{self.close_tag}{item.reference}"
            yield self.row(trace, item, self.prompt, response)

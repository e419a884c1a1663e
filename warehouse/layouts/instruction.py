"""Rendering of an annotated episode: tell from its pictures what the robot was told to do.

Source: Aux-Think, arXiv 2505.11886 (an auxiliary training task).  The prompt is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.layouts.pictured import StepLayout


class Instruction(StepLayout):
    """The trajectory in, the instruction out.

    Only the last step of an episode makes a row: its history spans the whole way.
    """

    kind: Literal["instruction"] = "instruction"
    prompt: str = (
        "The pictures were taken in order of time by a robot that carried out a task, the last one "
        "at its end.\n\nSay in one sentence what it had been told to do."
    )
    """The question; `{history}` is replaced."""

    def rows(self, trace: Trace, item: Item) -> Iterable[dict[str, Any]]:
        meta = item.meta
        if item.kind == "step" and "step" in meta and int(meta["step"]) + 1 == int(meta["steps"]):
            yield self.row(trace, item, self.prompt, item.text)

"""Fenced text: the thought as the teacher saw it, code and outputs in their fences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import pyarrow as pa

from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.layouts.layout import RowLayout


class FencedText(RowLayout):
    """One row a trace: the user's turn, and the assistant's with its thought between tags."""

    kind: Literal["fenced_text"] = "fenced_text"
    open_tag: str = "<think>\n"
    """Before the thought; empty where the trainer's template opens it."""
    close_tag: str = "</think>"
    """Between thought and answer."""

    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("trace_id", pa.string()),
            ("prompt", pa.string()),
            ("completion", pa.string()),
            ("answer", pa.string()),
        ]
    )
    fields: ClassVar[Mapping[str, str]] = {
        "trace_id": "Id of the trace in the lake.",
        "prompt": "The user's turn.",
        "completion": "The assistant's turn: thought, fenced code and outputs, then the answer.",
        "answer": "The final answer.",
    }

    def rows(self, trace: Trace, item: Item) -> Iterable[dict[str, Any]]:
        texts = {"prompt": "", "answer": "", "thought": ""}
        for segment in trace.segments:
            part = segment.kind if segment.kind in ("prompt", "answer") else "thought"
            texts[part] += segment.text
        thought = f"{self.open_tag}{texts['thought']}{self.close_tag}" if texts["thought"] else ""
        yield {
            "trace_id": trace.trace_id,
            "prompt": texts["prompt"],
            "completion": f"{thought}{texts['answer']}",
            "answer": trace.answer,
        }

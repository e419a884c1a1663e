"""Question, rationale, answer: the plain layout of annotated items, with or without images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import pyarrow as pa

from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.layouts.pictured import PicturedLayout, rationale


class Rationale(PicturedLayout):
    """One row a trace that holds a reasoning."""

    kind: Literal["rationale"] = "rationale"
    columns = (
        ("question", pa.string()),
        ("choices", pa.list_(pa.field("element", pa.string()))),
        ("rationale", pa.string()),
        ("answer", pa.string()),
        ("reference", pa.string()),
        ("domain", pa.string()),
        ("source", pa.string()),
        ("item_id", pa.string()),
        ("trace_id", pa.string()),
    )
    fields: ClassVar[dict[str, str]] = {
        "question": "The statement of the problem, or the instruction of a step.",
        "choices": "The options of a multiple-choice problem, in order.",
        "rationale": "The reasoning, without the line that concludes it.",
        "answer": "What the reasoning concludes with.",
        "reference": "The gold answer or action.",
        "images": "The item's images, in order.",
    }

    def rows(self, trace: Trace, item: Item) -> Iterable[dict[str, Any]]:
        reasoning = rationale(trace)
        if reasoning:
            yield {
                "question": item.text,
                "choices": list(item.choices),
                "rationale": reasoning,
                "answer": trace.answer,
                "reference": item.reference,
                "domain": item.domain,
                "source": item.source,
                "item_id": item.item_id,
                "trace_id": trace.trace_id,
                "images": self.shown(item),
            }

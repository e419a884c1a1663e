"""What layouts of annotated items share: the reasoning, and images as ids or as bytes.

Rows name images by id.  Where a layout says `images: embedded`, the export fills in the bytes with
`warehouse.images.embed`, a table at a time, so that no layout reads files.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import orjson
import pyarrow as pa

from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.images import EMBEDDED, with_features
from thoughtmill.warehouse.layouts.layout import RowLayout

_TEXTS = pa.list_(pa.field("element", pa.string()))
_PICTURES = pa.list_(pa.field("item", EMBEDDED))


class PicturedLayout(RowLayout):
    """A row layout with a last column `images`."""

    images: Literal["ids", "embedded"] = "ids"
    """Content ids of the lake's images, or the images themselves (Hugging Face `Image`)."""
    columns: ClassVar[tuple[tuple[str, pa.DataType], ...]]
    """The other columns, in order."""

    @property
    def schema(self) -> pa.Schema:
        """Columns and types; with embedded images also the features that `datasets` reads."""
        if self.images == "ids":
            return pa.schema([*self.columns, ("images", _TEXTS)])
        return with_features(pa.schema([*self.columns, ("images", _PICTURES)]))

    def shown(self, item: Item) -> list[Any]:
        """The value of `images`: earlier frames first, the current one last."""
        if self.images == "ids":
            return list(item.images)
        return [{"bytes": None, "path": image_id} for image_id in item.images]


class StepLayout(PicturedLayout):
    """A rendering of an annotated step.  All renderings have the same columns: they can be mixed.

    One row a trace at most: choose one trace an item for renderings that leave the reasoning out.
    """

    columns = (
        ("task", pa.string()),
        ("prompt", pa.string()),
        ("response", pa.string()),
        ("instruction", pa.string()),
        ("rationale", pa.string()),
        ("action", pa.string()),
        ("next_actions", _TEXTS),
        ("episode", pa.string()),
        ("step", pa.int32()),
        ("item_id", pa.string()),
        ("trace_id", pa.string()),
    )
    fields: ClassVar[dict[str, str]] = {
        "task": "Which rendering the row is: action_planning, cot or instruction.",
        "prompt": "What the model is asked, after the images.",
        "response": "What it should reply.",
        "instruction": "The task the robot was given.",
        "rationale": "The annotated reasoning behind the step's action.",
        "action": "The true action of the step.",
        "next_actions": "The true actions from this step on.",
        "episode": "Id of the episode.",
        "step": "Number of the step in its episode, from 0.",
        "images": "Earlier frames and last the current one.",
    }

    def row(self, trace: Trace, item: Item, prompt: str, response: str) -> dict[str, Any]:
        """The row of a step; `prompt` may hold `{instruction}`, `{history}` and `{count}`."""
        plan = next_actions(item)
        places = {
            "{history}": item.meta.get("history", str(max(0, len(item.images) - 1))),
            "{count}": str(len(plan)),
            "{instruction}": item.text,  # last: what it holds is not looked at again
        }
        for place, value in places.items():
            prompt = prompt.replace(place, value)
        return {
            "task": self.kind,
            "prompt": prompt,
            "response": response,
            "instruction": item.text,
            "rationale": rationale(trace),
            "action": item.reference,
            "next_actions": plan,
            "episode": item.meta.get("episode"),
            "step": int(item.meta["step"]) if "step" in item.meta else None,
            "item_id": item.item_id,
            "trace_id": trace.trace_id,
            "images": self.shown(item),
        }


def rationale(trace: Trace) -> str:
    """The reasoning of a trace: its thought, without what a thinking teacher thought before it."""
    thought = [s.text for s in trace.segments if s.kind == "think" and s.trainable]
    return "".join(thought).strip()


def next_actions(item: Item) -> list[str]:
    """The true actions from a step on; its own alone where the source told no more."""
    told = item.meta.get("next_actions")
    if told is None:
        return [item.reference] if item.reference else []
    return [str(action) for action in orjson.loads(told)]

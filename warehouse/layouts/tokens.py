"""Token ids with a loss mask: exactly what the teacher was sent and wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import pyarrow as pa

from thoughtmill.schemas.rows import Item, Segment, Trace
from thoughtmill.warehouse.layouts.layout import RowLayout

_SPAN = pa.struct([("kind", pa.string()), ("start", pa.int32()), ("end", pa.int32())])


class Tokens(RowLayout):
    """One row a trace; none for a trace whose teacher did not tell its token ids."""

    kind: Literal["tokens"] = "tokens"
    hints: Literal["recorded", "trained", "masked"] = "recorded"
    """Loss on hints: as the recipe recorded it, always, or never."""

    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("trace_id", pa.string()),
            ("input_ids", pa.list_(pa.int32())),
            ("loss_mask", pa.list_(pa.int8())),
            ("segments", pa.list_(_SPAN)),
            ("answer", pa.string()),
        ]
    )
    fields: ClassVar[Mapping[str, str]] = {
        "trace_id": "Id of the trace in the lake.",
        "input_ids": "Token ids of prompt and trace, in the teacher's vocabulary.",
        "loss_mask": "1 where a trainer puts loss on the token, else 0; as long as input_ids.",
        "segments": "Kind of each stretch, from token `start` up to, not including, token `end`.",
        "answer": "The final answer.",
    }

    def rows(self, trace: Trace, item: Item) -> Iterable[dict[str, Any]]:
        ids: list[int] = []
        mask: list[int] = []
        spans = []
        for segment in trace.segments:
            if segment.text and not segment.token_ids:
                return
            start = len(ids)
            ids += segment.token_ids
            mask += [int(self._trained(segment))] * len(segment.token_ids)
            spans.append({"kind": segment.kind, "start": start, "end": len(ids)})
        yield {
            "trace_id": trace.trace_id,
            "input_ids": ids,
            "loss_mask": mask,
            "segments": spans,
            "answer": trace.answer,
        }

    def _trained(self, segment: Segment) -> bool:
        if segment.kind == "hint" and self.hints != "recorded":
            return self.hints == "trained"
        return segment.trainable

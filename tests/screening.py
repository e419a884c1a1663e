"""Rows for screens, in memory and in a lake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tests.lakes import RECIPE, TEACHER, committer, draws_shard, land_items, trace
from thoughtmill.schemas.ids import content_hash, trace_id
from thoughtmill.schemas.rows import Item, Segment
from thoughtmill.warehouse.lake import Lake

_COLUMNS = pa.schema(
    [
        ("trace_id", pa.string()),
        ("place", pa.int64()),
        ("leader", pa.int64()),
        ("text", pa.string()),
        ("thought", pa.string()),
        ("written", pa.string()),
        ("answer", pa.string()),
        ("kinds", pa.string()),
        ("finish_reason", pa.string()),
        ("thought_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
    ]
)


def batch(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Rows as a screen reads them; trace ids are `t0`, `t1` … where not given."""
    full = []
    for place, row in enumerate(rows):
        thought = row.get("thought", "It runs down because it is heavy.")
        values = {
            "trace_id": f"t{place}",
            "place": place,
            "leader": place,
            "text": "Water runs down the hill.",
            "thought": thought,
            "written": thought,
            "answer": None,
            "kinds": "prompt think",
            "finish_reason": "stop",
            "thought_tokens": len(thought.split()) if thought is not None else 0,
            "completion_tokens": 10,
        }
        full.append({**values, **row})
    return pa.RecordBatch.from_pylist(full, schema=_COLUMNS)


class Pool:
    """Candidates in memory, in chunks of three; places are positions, the first is the best."""

    def __init__(
        self, rows: Sequence[Mapping[str, Any]], held: Sequence[int] = (), seen: Sequence[int] = ()
    ) -> None:
        self._batch = batch(rows)
        self.count = len(rows)
        self._held, self._seen = set(held), set(seen)

    def chunks(self, *, only_fresh: bool = False) -> Iterator[pa.RecordBatch]:
        for start in range(0, self.count, 3):
            chunk = self._batch.slice(start, 3)
            if only_fresh:
                fresh = [place not in self._seen for place in chunk.column("place").to_pylist()]
                chunk = chunk.filter(pa.array(fresh))
            yield chunk

    def places(self) -> pa.Table:
        return pa.table(
            {
                "trace_id": self._batch.column("trace_id"),
                "leader": self._batch.column("leader"),
                "fresh": pa.array([n not in self._seen for n in range(self.count)]),
                "held": pa.array([n in self._held for n in range(self.count)]),
            }
        )


def reasons(found: pa.Table) -> dict[str, str]:
    """Reasons by trace id."""
    ids = found.column("trace_id").to_pylist()
    assert len(ids) == len(set(ids))
    return dict(zip(ids, found.column("reason").to_pylist(), strict=True))


def details(found: pa.Table) -> dict[str, str]:
    """Details by trace id."""
    return dict(
        zip(found.column("trace_id").to_pylist(), found.column("detail").to_pylist(), strict=True)
    )


def land_traces(
    lake: Lake, rows: Sequence[tuple[str, str]], *, draw: int = 0, hint: str = ""
) -> list[str]:
    """Items of these texts with a trace of these thoughts each, into the lake; the trace ids.

    A hint stands before every thought.
    """
    items, traces = [], []
    for text, thought in rows:
        item = Item(
            item_id=content_hash("document", text), kind="document", text=text, source="documents"
        )
        items.append(item)
        segments = (
            Segment(kind="prompt", text="Think.", token_ids=(1,), trainable=False),
            *([Segment(kind="hint", text=hint, token_ids=(2,), trainable=False)] if hint else []),
            Segment(
                kind="think",
                text=thought,
                token_ids=tuple(range(len(thought.split()))),
                trainable=True,
            ),
        )
        own = trace_id(item.item_id, RECIPE, TEACHER, draw)
        traces.append(trace(0, draw, trace_id=own, item_id=item.item_id, segments=segments))
    land_items(lake, items)
    committer(lake).commit(draws_shard(lake.settings, traces, range(len(traces))))
    return [one.trace_id for one in traces]

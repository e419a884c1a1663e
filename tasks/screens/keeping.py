"""Which of several duplicates is kept, and what is said of the others.

The best by the screen's order of preference is kept, among those that were not excluded before: a
finding is never taken back, so a better trace that arrives later takes the place of the kept one,
which is excluded then.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from thoughtmill.tasks.screens.screen import Part, PoolScreen, Rows
from thoughtmill.warehouse.candidates import PREFERENCE

Preference = Annotated[str, Field(pattern=PREFERENCE)]
Roots = npt.NDArray[np.int64]


class DuplicateScreen(PoolScreen):
    """A screen that keeps one of several traces, or all traces of one of several items."""

    keep: tuple[Preference, ...] = ("correct", "longer")
    """Order of preference: correct, shorter, longer, `high:SCORER` or `low:SCORER`."""
    within: Literal["rows", "items"] = "rows"
    """rows: traces are compared; items: items are, and all traces of the best one stay."""

    @property
    def best(self) -> tuple[str, ...]:
        return self.keep

    @property
    def compared(self) -> tuple[Part, ...]:
        """The parts that are compared."""
        return ("item",) if self.within == "items" else ("item", "thought", "answer")

    def units(self, chunk: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a chunk that are compared: one an item where items are."""
        if self.within == "rows":
            return chunk
        return chunk.filter(pc.equal(chunk.column("place"), chunk.column("leader")))

    def losers(self, rows: Rows, roots: Roots, reason: str) -> pa.Table:
        """Findings from `roots`: by place, the component that the place belongs to."""
        places = rows.places()
        held = places.column("held").to_numpy()
        own = np.arange(rows.count, dtype=np.int64)
        if self.within == "items":
            own = places.column("leader").to_numpy().astype(np.int64)
        group = roots[own]
        tainted = np.zeros(rows.count, bool)
        np.logical_or.at(tainted, own, held)
        # An item of which a trace is held lost before; it can be kept only where all have lost.
        order = np.lexsort((own, tainted[own], group))
        first = np.concatenate([[True], group[order][1:] != group[order][:-1]])[: len(order)]
        kept = np.zeros(rows.count, np.int64)
        kept[group[order[first]]] = own[order[first]]
        out = np.flatnonzero((kept[group] != own) & ~held)
        ids = places.column("trace_id").combine_chunks()
        return pa.table(
            {
                "trace_id": ids.take(pa.array(out)),
                "reason": pa.array([reason] * len(out), pa.string()),
                "detail": ids.take(pa.array(kept[group[out]])),
            }
        )

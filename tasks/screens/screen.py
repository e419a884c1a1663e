"""What every screen is: a frozen model that objects to traces, with a reason and a detail.

Owns the two kinds there are.  A row screen judges each trace by itself; a pool screen judges it
against all others.  Reading the lake, resuming and writing belong to `tasks/curation/stage.py`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal, Protocol

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from thoughtmill.schemas.base import Frozen

FINDINGS = pa.schema([("trace_id", pa.string()), ("reason", pa.string()), ("detail", pa.string())])
"""What a screen finds: one row for each trace that it objects to."""

Part = Literal["item", "thought", "written", "answer"]
"""item: the document or the problem; thought: with its hints, code and outputs; written: the
thought without hints and outputs, which no teacher wrote."""
Parts = Sequence[Part]
_COLUMNS = {"item": "text", "thought": "thought", "written": "written", "answer": "answer"}


class Rows(Protocol):
    """The candidates of a pool screen; see `warehouse.candidates.Candidates`."""

    count: int

    def chunks(self, *, only_fresh: bool = False) -> Iterator[pa.RecordBatch]: ...

    def places(self) -> pa.Table: ...


class Screen(Frozen):
    """Settings common to all screens."""

    version: ClassVar[int] = 1
    """Raised when the same trace is judged otherwise than before."""
    kind: str
    independent: bool = False
    """Look also at traces that screens before this one in the list have excluded."""

    @property
    def name(self) -> str:
        """`kind@version` and the knobs that are not at their defaults."""
        knobs = self.knobs()
        return f"{self.kind}@{self.version}" + (orjson.dumps(knobs).decode() if knobs else "")

    @property
    def best(self) -> Sequence[str]:
        """Order of preference among the candidates; see `warehouse.candidates.PREFERENCE`."""
        return ()

    def knobs(self) -> dict[str, Any]:
        """The settings that a finding rests on, without those at their defaults."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"kind", "independent"})

    def check(self) -> None:
        """Raise `ConfigError` for what can't work: a missing file or library."""


class RowScreen(Screen):
    """A screen that judges each trace by itself."""

    @abstractmethod
    def judge(self, rows: pa.RecordBatch) -> pa.Table:
        """Findings about a piece of rows (columns of read_candidates.sql).  Called by threads."""


class PoolScreen(Screen):
    """A screen that judges traces against each other; its findings depend on the whole pool."""

    @abstractmethod
    def judge_all(self, rows: Rows) -> pa.Table:
        """Findings about all rows; those about traces that are held already are left out."""


def text_of(rows: pa.RecordBatch, parts: Parts) -> pa.Array:
    """The chosen parts of each row as one text, a blank line between them."""
    columns = [pc.fill_null(rows.column(_COLUMNS[part]), "") for part in parts]
    if len(columns) == 1:
        return columns[0]
    wide = [column.cast(pa.large_string()) for column in columns]
    return pc.binary_join_element_wise(*wide, pa.scalar("\n\n", pa.large_string()))


def findings(rows: pa.RecordBatch, reason: pl.Expr, detail: pl.Expr) -> pa.Table:
    """The rows whose `reason`, an expression over their columns, is not null."""
    frame = pl.DataFrame(pl.from_arrow(rows)).lazy()
    return (
        frame.select("trace_id", reason.alias("reason"), detail.alias("detail"))
        .filter(pl.col("reason").is_not_null())
        .collect()
        .to_arrow()
        .cast(FINDINGS)
    )


def listed(found: Sequence[tuple[str, str, str]]) -> pa.Table:
    """Findings from tuples of trace id, reason and detail."""
    columns = list(zip(*found, strict=True)) if found else [(), (), ()]
    return pa.table([pa.array(c, pa.string()) for c in columns], schema=FINDINGS)

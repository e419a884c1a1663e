"""What every layout is: a frozen model that turns a chosen trace into published rows.

There are two sorts.  A `SqlLayout` is a query over the temporary table `chosen` (position,
trace_id) and is as fast as DuckDB; a `RowLayout` is Python over one trace and its item, for what
SQL would say badly.  Both are deterministic: same lake snapshot, same knobs, same rows, same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import pyarrow as pa

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.lake import SQL


class Layout(Frozen):
    """The columns of a published dataset; its fields are knobs, `kind` its name in configs."""

    kind: str
    fields: ClassVar[Mapping[str, str]] = {}
    """What each column is, for the dataset card."""


class SqlLayout(Layout):
    """A layout written as SQL in `warehouse/sql/layouts/<kind>.sql`; knobs are bound by name."""

    def query(self) -> str:
        """The query; it reads `chosen` and orders by its `position`."""
        return (SQL / "layouts" / f"{self.kind}.sql").read_text()

    def parameters(self) -> dict[str, Any]:
        """Values for the query's named parameters."""
        return self.model_dump(mode="json", exclude={"kind"})


class RowLayout(Layout):
    """A layout written in Python, one trace at a time."""

    schema: ClassVar[pa.Schema]
    """Pinned schema of the published rows."""

    def rows(self, trace: Trace, item: Item) -> Iterable[dict[str, Any]]:
        """The rows that this trace gives: none where it does not fit the layout."""
        raise NotImplementedError

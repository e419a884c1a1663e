"""A user's own SQL against an open lake, printed."""

from __future__ import annotations

import duckdb

from schemas.errors import ConfigError
from warehouse.lake import Lake

_MAX_ROWS = 10_000


def print_query(lake: Lake, query: str, *, csv: bool = False, width: int = 120) -> None:
    """Run one query and print its rows as a box of `width` columns, or as CSV.

    Raises `ConfigError` with DuckDB's words for a query it refuses.
    """
    try:
        relation = lake.connection.sql(query)
        if relation is None:
            return
        if csv:
            print(relation.pl().write_csv(), end="")
        else:
            relation.show(max_rows=_MAX_ROWS, max_width=width)
    except duckdb.Error as exc:
        raise ConfigError(" ".join(str(exc).split())) from exc

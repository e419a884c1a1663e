"""A user's own SQL against an open lake, printed."""

from __future__ import annotations

import duckdb

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.warehouse.extensions import identifier
from thoughtmill.warehouse.lake import Lake

_MAX_ROWS = 10_000
_NESTED = frozenset({"array", "list", "map", "struct", "union"})
_AS_TEXT = frozenset(
    {"bignum", "bit", "blob", "hugeint", "interval", "time with time zone", "uhugeint", "uuid"}
)
"""Kinds that Polars does not write as CSV, or not as DuckDB prints them."""


def print_query(lake: Lake, query: str, *, csv: bool = False, width: int = 120) -> None:
    """Run one query and print its rows as a box of `width` columns, or as CSV.

    Raises `ConfigError` with DuckDB's words for a query it refuses, and `KeyboardInterrupt` for
    Ctrl-C; the lake takes another query after either.
    """
    try:
        relation = lake.connection.sql(query)
        if relation is None:
            return
        if csv:
            print(_flat(relation).pl().write_csv(), end="")
        else:
            relation.show(max_rows=_MAX_ROWS, max_width=width)
    except duckdb.Error as exc:
        raise ConfigError(" ".join(str(exc).split())) from exc
    except RuntimeError as exc:
        if not isinstance(exc.__cause__, KeyboardInterrupt):
            raise
        lake.connection.interrupt()  # else the next query waits for this one (DuckDB 1.5.5)
        raise KeyboardInterrupt from exc


def _flat(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Lists, structs and maps as JSON, what Polars can't write as DuckDB's text."""
    columns = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        column = identifier(name)
        if kind.id in _NESTED:
            column = f"to_json({column}) AS {column}"
        elif kind.id in _AS_TEXT:
            column = f"{column}::VARCHAR AS {column}"
        columns.append(column)
    return relation.project(", ".join(columns))

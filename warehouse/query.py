"""A user's own SQL against an open lake, printed."""

from __future__ import annotations

import duckdb

from schemas.errors import ConfigError
from warehouse.extensions import identifier
from warehouse.lake import Lake

_MAX_ROWS = 10_000
_NESTED = frozenset({"array", "list", "map", "struct", "union"})


def print_query(lake: Lake, query: str, *, csv: bool = False, width: int = 120) -> None:
    """Run one query and print its rows as a box of `width` columns, or as CSV.

    Raises `ConfigError` with DuckDB's words for a query it refuses.
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


def _flat(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Lists, structs and maps as JSON: a CSV cell holds text."""
    columns = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        column = identifier(name)
        columns.append(f"to_json({column}) AS {column}" if kind.id in _NESTED else column)
    return relation.project(", ".join(columns))

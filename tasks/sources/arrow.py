"""Arrow tables as rows: what Parquet files and Hugging Face data sets have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from thoughtmill.tasks.sources.base import Record
from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.jsontext import Flaw

BATCH_ROWS = 256
"""Rows decoded at a time: at most a few hundred texts are in memory."""

_VALUE_ERRORS = (ValueError, OverflowError, LookupError)
"""What values Python can't hold raise: bytes that are not UTF-8, far dates, unknown time zones."""


def records(batches: Iterable[pa.RecordBatch | pa.Table], first: int) -> Iterator[Record | Flaw]:
    """The rows of batches, numbered from `first`; a flaw for one that does not decode."""
    for batch in batches:
        try:
            rows: list[Any] = batch.to_pylist(maps_as_pydicts="lossy")
        except _VALUE_ERRORS:  # one bad row spoils its batch, so go by row
            rows = [_row(batch.slice(index, 1)) for index in range(batch.num_rows)]
        for number, row in enumerate(rows, start=first):
            yield (
                Flaw(number, row.reason, row.detail)
                if isinstance(row, Flaw)
                else Record(number, row)
            )
        first += batch.num_rows


def wanted(fields: Fields, names: Iterable[str]) -> list[str]:
    """Of the columns of a table, those that the fields need."""
    mapped = [column for wanted in fields.columns() for column in wanted.columns]
    return [n for n in names if any(m == n or m.startswith(f"{n}.") for m in mapped)]


def blank_row(schema: pa.Schema | pa.StructType) -> dict[str, Any]:
    """A row without values that has the columns of a schema, and those within them."""
    return {field.name: _blank(field.type) for field in schema}


class _AnyKey(dict[str, Any]):
    """The value of a map, a list or a text, whose schema does not tell what is inside."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> None:
        return None


def _blank(kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind):
        return blank_row(kind)
    return _AnyKey() if pa.types.is_nested(kind) or _is_text(kind) else None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _row(batch: pa.RecordBatch | pa.Table) -> Any:
    try:
        return batch.to_pylist(maps_as_pydicts="lossy")[0]
    except UnicodeDecodeError as exc:
        return Flaw(0, "not_utf8", f"byte {exc.start + 1} ({exc.object[exc.start]:#04x})")
    except _VALUE_ERRORS as exc:
        return Flaw(0, "wrong_type", str(exc))

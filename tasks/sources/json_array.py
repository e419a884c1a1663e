"""JSON files that are not lines: an array of rows, one object, or an object that holds the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

from pydantic import model_validator

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.base import Piece, Record
from thoughtmill.tasks.sources.files import FileSource, check_text, chunks
from thoughtmill.tasks.sources.jsontext import NOT_AN_ARRAY, Flaw, elements, parse
from thoughtmill.tasks.sources.paths import ABSENT, value_at

MAX_OBJECT_BYTES = 1 << 30
"""Largest file that is one object: it is read whole."""


class JsonSource(FileSource):
    """Files that hold one JSON array (read an element at a time), or one object (read whole).

    An object is one row, or holds the rows under the key `records`.
    """

    kind: Literal["json"] = "json"
    """Reads JSON arrays and objects."""
    records_at: str | None = None
    """Key of the list of rows where the file is an object, such as `data`; a dot leads deeper."""
    by_column: bool = False
    """Whether the file is one object of columns, each a list or an object by row, as pandas'
    `to_json` writes it."""

    @model_validator(mode="after")
    def _one_shape(self) -> JsonSource:
        if self.by_column and self.records_at:
            raise ValueError("`records_at` and `by_column` are two shapes: keep one")
        return self

    def rows(self, path: str) -> Iterator[Record | Flaw]:
        stream = chunks(path)
        first = next(stream, b"")
        whole = chain([first], stream)
        if first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            yield from self._of_object(whole)
            return
        for number, raw in enumerate(elements(whole, self.max_row_bytes), start=1):
            if isinstance(raw, Flaw):
                yield raw
            else:
                value = parse(raw, number)
                yield value if isinstance(value, Flaw) else Record(number, value)

    def check(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            check_text(piece.name, piece.path, by_line=False)
        for piece in pieces[:1]:
            first = next(self.records(piece), None)
            if not isinstance(first, Flaw):
                continue
            if first.detail == NOT_AN_ARRAY or first.detail.startswith("Extra data"):
                raise ConfigError(
                    f"kind: {piece.name} is not one JSON value; kind: jsonl reads an object a line"
                )
            if first.reason == "no_records":
                raise ConfigError(f"{piece.name}: {first.detail}")
        super().check(pieces)

    def advice(self, pieces: Sequence[Piece]) -> str:
        rows = self.sample(pieces[:1])
        if len(rows) == 1 and isinstance(rows[0], Mapping):
            for key, value in rows[0].items():
                if isinstance(value, list) and value and isinstance(value[0], Mapping):
                    return f"; `records_at: {key}` reads that list"
            if _columns(rows[0]) is not None:
                return "; `by_column: true` reads an object of columns"
        return super().advice(pieces)

    def _of_object(self, stream: Iterator[bytes]) -> Iterator[Record | Flaw]:
        raw = bytearray()
        for chunk in stream:
            raw += chunk
            if len(raw) > MAX_OBJECT_BYTES:
                detail = f"one object of more than {MAX_OBJECT_BYTES} bytes: make it JSON lines"
                yield Flaw(1, "too_long", detail)
                return
        value = parse(bytes(raw).removeprefix(b"\xef\xbb\xbf"), 1)
        found: Any = value
        if isinstance(value, Flaw):
            yield value
            return
        if self.by_column:
            found = _columns(value)
        elif self.records_at:
            found = value_at(value, self.records_at)
        else:
            found = [value]
        if found is ABSENT or not isinstance(found, list):
            shape = f"a list under {self.records_at!r}" if self.records_at else "equal columns"
            yield Flaw(1, "no_records", f"the object has no {shape} (keys: {', '.join(value)})")
            return
        yield from (Record(number, row) for number, row in enumerate(found, start=1))


def _columns(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The rows of an object of columns; None where the columns do not have the same rows."""
    by_row = [
        c if isinstance(c, Mapping) else dict(enumerate(c)) if isinstance(c, list) else None
        for c in value.values()
    ]
    rows = list(by_row[0]) if by_row and by_row[0] is not None else []
    if not rows or any(column is None or list(column) != rows for column in by_row):
        return None
    return [
        {
            name: column[row]
            for name, column in zip(value, by_row, strict=True)
            if column is not None
        }
        for row in rows
    ]

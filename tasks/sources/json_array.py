"""JSON arrays: a file that is one list of objects, read an element at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.base import Piece, Record
from thoughtmill.tasks.sources.files import FileSource, chunks
from thoughtmill.tasks.sources.jsontext import NOT_AN_ARRAY, Flaw, elements, parse


class JsonSource(FileSource):
    """Files that hold one JSON array.  Rows are numbered by element."""

    kind: Literal["json"] = "json"

    def rows(self, path: str) -> Iterator[Record | Flaw]:
        for number, raw in enumerate(elements(chunks(path), self.max_row_bytes), start=1):
            if isinstance(raw, Flaw):
                yield raw
            else:
                value = parse(raw, number)
                yield value if isinstance(value, Flaw) else Record(number, value)

    def check(self, pieces: Sequence[Piece]) -> None:
        first = next(self.records(pieces[0]), None)
        if isinstance(first, Flaw) and first.detail == NOT_AN_ARRAY:
            raise ConfigError(
                f"kind: {pieces[0].name} is not a JSON array; kind: jsonl reads an object a line"
            )
        super().check(pieces)

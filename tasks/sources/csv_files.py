"""CSV files, with a header line."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.base import Piece, Record
from thoughtmill.tasks.sources.files import READ_ERRORS, FileSource, check_text, lines
from thoughtmill.tasks.sources.jsontext import Flaw


class CsvSource(FileSource):
    """CSV files whose first line names the columns.  Rows are numbered by their first line.

    Quoting is RFC 4180: a quoted value may hold line ends, and a quote within it is doubled.
    """

    kind: Literal["csv"] = "csv"
    delimiter: str = Field(default=",", pattern=r'^[^"\r\n]$')
    """What separates values; a tab for TSV."""

    def rows(self, path: str) -> Iterator[Record | Flaw]:
        found = self._values(path)
        header = next(found, None)
        if header is None:
            return
        if isinstance(header, Flaw):
            yield header
            return
        names = header.row
        if twice := _repeated(names):
            detail = f"two columns are named {twice[0]!r}; the file is not read"
            yield Flaw(header.number, "duplicate_columns", detail)
            return
        for record in found:
            if isinstance(record, Flaw):
                yield record
            elif len(record.row) != len(names):
                detail = f"{len(record.row)} values, the header has {len(names)}"
                yield Flaw(record.number, "wrong_columns", detail)
            else:
                yield Record(record.number, dict(zip(names, record.row, strict=True)))

    def check(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            check_text(piece.name, piece.path, by_line=True)
            if twice := _repeated(self._header(piece) or []):
                raise ConfigError(
                    f"path: {piece.name} has two columns named {twice[0]!r}: rename one"
                )
        super().check(pieces)

    def turns_up(self, column: str, pieces: Sequence[Piece]) -> bool:
        """Whether the header of any file has the column."""
        name = column.partition(".")[0]
        return any(name in (self._header(piece) or ()) for piece in pieces)

    def sample(self, pieces: Sequence[Piece]) -> list[Mapping[str, Any]]:
        """The header of the first file that has one."""
        for piece in pieces:
            if (header := self._header(piece)) is not None:
                return [dict.fromkeys(header)]
        return []

    def _header(self, piece: Piece) -> list[str] | None:
        try:
            header = next(self._values(piece.path), None)
        except READ_ERRORS:
            return None  # reading it will say so, as a drop
        return list(header.row) if isinstance(header, Record) else None

    def _values(self, path: str) -> Iterator[Record | Flaw]:
        """Lists of values, the header first.

        A malformed row costs its first line only: reading goes on at the line after, so a quote
        that is never closed does not swallow the file.  In a file of one column that would turn the
        lines of a broken text into rows of their own, so there the whole stretch is passed over.
        """
        csv.field_size_limit(max(csv.field_size_limit(), self.max_row_bytes))
        feed = _Lines(path, self.max_row_bytes)
        columns = 0
        while feed.begin():
            if feed.flaw:
                yield feed.flaw
                continue
            try:
                reader = csv.reader(feed, delimiter=self.delimiter, strict=True)
                values = next(reader, [])
            except csv.Error as exc:
                yield Flaw(feed.number, "bad_csv", str(exc))
                if columns != 1:
                    feed.rewind()
                continue
            columns = columns or len(values)
            if values:
                yield Record(feed.number, values)


def _repeated(names: Sequence[str]) -> list[str]:
    """Names that more than one column has; columns without a name don't count."""
    return [name for n, name in enumerate(names) if name.strip() and name in names[:n]]


class _Lines:
    """Lines of a file for `csv.reader`, one row's worth at a time, which can be given back.

    Bytes that are not UTF-8 become lone surrogates: the column that holds them is judged later.
    """

    def __init__(self, path: str, max_bytes: int) -> None:
        self._lines = lines(path, max_bytes)
        self._ahead: deque[bytes | Flaw] = deque()
        self._row: list[bytes | Flaw] = []
        self._size = 0
        self._max_bytes = max_bytes
        self.number = 0
        """Number of the line on which the row begins, from 1."""
        self.flaw: Flaw | None = None
        """Set where that line can't be held in memory."""

    def begin(self) -> bool:
        """Go to the next row; False at the end of the file."""
        self.number += max(1, len(self._row))
        self._row, self._size = [], 0
        line = self._next()
        if line is None:
            return False
        self.flaw = line if isinstance(line, Flaw) else None
        if self.flaw:
            self._row = [line]
        else:
            self._ahead.appendleft(line)
        return True

    def rewind(self) -> None:
        """Give back all lines of this row but its first."""
        self._ahead.extendleft(reversed(self._row[1:]))
        del self._row[1:]

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._next()
        if line is None:
            raise StopIteration
        if isinstance(line, Flaw) or self._size > self._max_bytes:
            self._ahead.appendleft(line)
            raise StopIteration
        self._row.append(line)
        self._size += len(line)
        return line.decode("utf-8", errors="surrogateescape")

    def _next(self) -> bytes | Flaw | None:
        return self._ahead.popleft() if self._ahead else next(self._lines, None)

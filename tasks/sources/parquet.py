"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pyarrow.parquet as pq

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources import arrow
from thoughtmill.tasks.sources.base import Piece, Record
from thoughtmill.tasks.sources.files import READ_ERRORS, FileSource, one_line
from thoughtmill.tasks.sources.jsontext import Flaw
from thoughtmill.tasks.sources.paths import ABSENT, value_at


class ParquetSource(FileSource):
    """Parquet files, by row group; only mapped columns are read.  Rows are numbered by row.

    A row group that is broken is one drop, and the next ones are read.
    """

    kind: Literal["parquet"] = "parquet"

    def rows(self, path: str) -> Iterator[Record | Flaw]:
        with pq.ParquetFile(path) as file:
            columns = arrow.wanted(self.fields, file.schema_arrow.names)
            first = 1
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                number = first
                try:
                    for found in arrow.records(
                        file.iter_batches(arrow.BATCH_ROWS, row_groups=[group], columns=columns),
                        first,
                    ):
                        yield found
                        number = found.number + 1
                except READ_ERRORS as exc:
                    lost = f"rows {number} to {first + rows - 1}"
                    yield Flaw(number, "unreadable_file", f"{lost}: {one_line(exc)}")
                first += rows

    def sample(self, pieces: Sequence[Piece]) -> list[Mapping[str, Any]]:
        """The columns of the first file that opens."""
        for piece in pieces:
            try:
                schema = pq.read_schema(piece.path)
            except READ_ERRORS:
                continue  # reading it will say so, as a drop
            if twice := [name for name in schema.names if schema.names.count(name) > 1]:
                raise ConfigError(f"path: {piece.name} has two columns named {twice[0]!r}")
            return [arrow.blank_row(schema)]
        return []

    def turns_up(self, column: str, pieces: Sequence[Piece]) -> bool:
        """Whether any file has the column."""
        rows = [row for piece in pieces for row in self.sample([piece])]
        return any(value_at(row, column) is not ABSENT for row in rows)

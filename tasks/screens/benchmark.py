"""The benchmarks that a contamination screen guards: their rows, by file and number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.rows import Item
from thoughtmill.tasks.sources import AnySource


@dataclass(frozen=True)
class BenchmarkRow:
    """One row of a benchmark."""

    place: str
    """File (or shard) and number of the row, from 1."""
    text: str
    answer: str


def benchmark_rows(sources: Sequence[AnySource]) -> list[BenchmarkRow]:
    """Every row of the benchmarks.

    Raises `ConfigError` for one that can't be read: a benchmark must not be guarded by halves.
    """
    rows: list[BenchmarkRow] = []
    for number, source in enumerate(sources):
        begun = len(rows)
        try:
            source.parts()  # finds the mistakes that a user can mend
        except ConfigError as exc:
            raise ConfigError(f"curate: benchmarks.{number}.{exc}") from exc
        mapper = source.mapper()
        for piece in source.pieces():
            for record in source.records(piece):
                place = f"{source.name or PurePath(piece.name).name}:{record.number}"
                found = mapper(record.number, record.row) if hasattr(record, "row") else record
                if not isinstance(found, Item):
                    raise ConfigError(
                        f"curate: benchmarks.{number}: row {place} can't be read "
                        f"({found.reason}: {found.detail}); mend it, or take it out"
                    )
                answer = found.reference or ""
                rows.append(BenchmarkRow(place, found.text, answer))
        if len(rows) == begun:
            raise ConfigError(f"curate: benchmarks.{number} ({source.label}) has no rows")
    return rows


def identity(rows: Sequence[BenchmarkRow]) -> str:
    """A hash of what the rows say; the name of a file is no part of it."""
    return content_hash("benchmark", [[row.text, row.answer] for row in rows])[:12]

"""What every source is: settings that list their parts, and read a part row by row.

A source is cut into parts on the driver (cheap, and the place where a user's mistakes show) and
read in the workers.  Deduplication, batches and writing belong to the ingest stage.
"""

from __future__ import annotations

import difflib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from pydantic import Field, model_validator

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Drop, Item
from thoughtmill.tasks.sources.fields import Fields, check_columns, listed, printable
from thoughtmill.tasks.sources.jsontext import Flaw
from thoughtmill.tasks.sources.mapping import Mapper
from thoughtmill.tasks.sources.paths import names_of
from thoughtmill.tasks.sources.presets import PRESETS, fitting
from thoughtmill.warehouse.images import Picture

SAMPLE_ROWS = 100
"""Rows that are looked at before a run starts."""


@dataclass(frozen=True)
class Piece:
    """Rows that are read in one go: a file, a shard, or a range."""

    name: str
    """What the details of drops call it."""
    path: str = ""
    """Absolute path, of a file."""
    start: int = 0
    """First row of a range, from 0; number of a shard."""
    stop: int = 0
    """End of a range; 0 where the piece is not one."""


@dataclass(frozen=True)
class Part:
    """Work for one worker.  Small and picklable; holds no rows."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Record:
    """One row as its format gives it, before any column is mapped."""

    number: int
    """Number of the row in its piece, from 1: a line, an element, a row."""
    row: Any


class Source(Frozen):
    """Where items come from."""

    name: str | None = None
    """Name under which its items are counted; the path, data set or task where null."""
    domain: str | None = None
    """Domain of items whose rows do not name one."""
    max_chars: int = Field(default=1_000_000, gt=0)
    """Longest text in characters; a longer row is dropped as `too_long`."""
    limit: int | None = Field(default=None, gt=0)
    """Most items to read: the first good rows, in order.  The source is then one single part."""

    def parts(self) -> list[Part]:
        """The work, cut up: with a `limit` one part, otherwise one for each file, shard or range.

        Raises `ConfigError` for what the user can mend: no such file, column, data set or task.
        """
        pieces = self.pieces()
        self.check(pieces)
        if self.limit is not None:
            return [Part(tuple(pieces))]
        return [Part((piece,)) for piece in pieces]

    def read(self, part: Part, run_id: str) -> Iterator[Item | Drop | Picture]:
        """The rows of a part, in order: an item, or the drop that says why not.

        Streams; a broken row or file never raises.  Items may repeat: their ids tell.  Pictures
        come before the items that point at them.
        """
        mapper, items = self.mapper(), 0
        for piece in part.pieces:
            for found in self.records(piece):
                row = found if isinstance(found, Flaw) else mapper(found.number, found.row)
                if isinstance(row, Item):
                    yield row
                    items += 1
                    if items == self.limit:
                        return
                else:
                    yield drop_of(row, piece, run_id)

    @property
    def counted_as(self) -> str:
        """Name under which the lake counts its items."""
        return self.name or self.label

    @property
    @abstractmethod
    def label(self) -> str:
        """Name of the source where the user gave none."""

    @abstractmethod
    def pieces(self) -> list[Piece]:
        """All there is to read, in order.  Raises `ConfigError`."""

    @abstractmethod
    def records(self, piece: Piece) -> Iterator[Record | Flaw]:
        """The rows of a piece, none of them mapped, and the flaws of those that can't be read."""

    @abstractmethod
    def mapper(self) -> Mapper:
        """How a row becomes an item."""

    def check(self, pieces: Sequence[Piece]) -> None:
        """Raise `ConfigError` where the settings can't fit the rows."""


def drop_of(flaw: Flaw, piece: Piece, run_id: str) -> Drop:
    """The drop of a row that makes no item."""
    return Drop(
        trace_id=None,
        item_id=None,
        draw=None,
        stage="ingest",
        reason=flaw.reason,
        detail=printable(f"{piece.name}:{flaw.number}: {flaw.detail}"),
        run_id=run_id,
    )


class MappedSource(Source):
    """A source whose columns have the names their publisher chose."""

    item_kind: Literal["document", "problem", "step"] = "document"
    """What its rows are."""
    fields: Fields = Fields()
    """Which column is what."""
    preset: str | None = None
    """Name of a published layout (`docs/reference/layouts.md`): sets `item_kind` and `fields`, of
    which those given here stand."""

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("preset") is None:
            return values
        preset = PRESETS.get(str(values["preset"]))
        if preset is None:
            near = difflib.get_close_matches(str(values["preset"]), PRESETS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            names = ", ".join(PRESETS)
            raise ValueError(f"no preset {values['preset']!r}{hint} (presets: {names})")
        given = values.get("fields") or {}
        if isinstance(given, Fields):
            given = given.model_dump(exclude_unset=True)
        fields = {**preset.fields.model_dump(exclude_unset=True), **given}
        return {"item_kind": preset.item_kind, **values, "fields": fields}

    def mapper(self) -> Mapper:
        return Mapper(
            fields=self.fields,
            kind=self.item_kind,
            source=printable(self.counted_as),
            domain=self.domain,
            max_chars=self.max_chars,
        )

    def check(self, pieces: Sequence[Piece]) -> None:
        check_columns(
            self.fields,
            self.sample(pieces),
            self.label,
            lambda name: self.turns_up(name, pieces),
            lenient=PRESETS[self.preset].fields if self.preset else None,
        )
        self._check_rows(pieces)

    def _check_rows(self, pieces: Sequence[Piece]) -> None:
        """Raise `ConfigError` where none of the first rows makes an item, or golds are unclear."""
        mapper = self.mapper()
        found = list(islice((f for piece in pieces[:1] for f in self.records(piece)), SAMPLE_ROWS))
        rows = [record.row for record in found if isinstance(record, Record)]
        made = [f if isinstance(f, Flaw) else mapper(f.number, f.row) for f in found]
        flaws = [one for one in made if isinstance(one, Flaw)]
        for flaw in flaws:
            if flaw.reason == "gold_unclear" and self.fields.gold is None:
                raise ConfigError(
                    printable(
                        f"fields.gold: {self.label}, row {flaw.number}: {flaw.detail} (text,"
                        " letter, index, index_from_1 or label)"
                    )
                )
        if not flaws or len(flaws) < len(made) or flaws[0].reason == "unreadable_file":
            return
        columns = listed(list(dict.fromkeys(name for row in rows for name in names_of(row))))
        fits = fitting(rows)
        advice = f"; preset: {fits[0]} fits" if fits else self.advice(pieces)
        raise ConfigError(
            printable(
                f"{self.label}: none of the first {len(made)} rows makes an item:"
                f" {flaws[0].reason}, {flaws[0].detail} (columns: {columns}){advice}"
            )
        )

    def advice(self, pieces: Sequence[Piece]) -> str:
        """What to try where no row fits and no preset either."""
        return "; set `fields`"

    def turns_up(self, column: str, pieces: Sequence[Piece]) -> bool:
        """Whether a column that the sample lacks may be in later rows."""
        return False

    @abstractmethod
    def sample(self, pieces: Sequence[Piece]) -> list[Any]:
        """A few rows that show which columns there are; empty where nothing can be told."""

"""What a worker says about a shard it has written: all that ever travels to the driver."""

from __future__ import annotations

from pydantic import Field

from thoughtmill.schemas.base import Row


class ShardFile(Row):
    """One Parquet file of a shard."""

    table: str
    path: str
    """Relative to the lake's data path."""
    rows: int


class Manifest(Row):
    """An immutable shard: its files, what is in them, and which planned draws they settle."""

    shard_id: str
    """Content hash of the ids of its rows."""
    run_id: str
    lane: str
    """What the rows compete for: one recipe with one teacher, or the items table."""
    files: tuple[ShardFile, ...]
    slots: bytes = b""
    """Positions in the run's plan that the shard settles: little-endian int64; none in ingest."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    drops: dict[str, int] = Field(default_factory=dict)
    """Dropped rows by reason."""
    repeats: int = 0
    """Rows of a source whose item the shard holds already."""
    outcomes: dict[str, int] = Field(default_factory=dict)
    """Reviewed traces, or checked golds, by the outcome that stands."""

    unfinished: bytes = b""
    """Positions of rows that were looked at and stay open for a later run, as in `slots`."""

    @property
    def announcement(self) -> str:
        """Name of this shard as written here: the same rows written again have another name."""
        return "/".join([self.shard_id, *(file.path for file in self.files)])

    def rows(self, table: str) -> int:
        """How many rows of `table` the shard holds."""
        return sum(file.rows for file in self.files if file.table == table)

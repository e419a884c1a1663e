"""Landing shards: a shard's files and its entry in the books become visible in one transaction.

A row lands once whatever happens around it:
- a shard that is in the books already is skipped, and its new files are deleted;
- a draw done twice within a run (a worker died after announcing a shard, and Ray repeated the
  micro-batch) is seen in a bitmap over the run's plan;
- a draw done by another run at the same time is seen because that run has landed shards in the same
  lane since this run was planned;
- what another review has said of the same trace meanwhile is not said again;
- an item that is there already, from this source or another, is kept once;
- a row that a shard holds twice is seen because the settling tables' ids are counted.
In the last five cases the shard is trimmed by SQL before it lands; in the ordinary case a commit
reads the ids of the shard's settling table and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.manifest import Manifest, ShardFile
from thoughtmill.warehouse.extensions import first_line, quoted
from thoughtmill.warehouse.lake import SQL, Lake
from thoughtmill.warehouse.lock import writer_lock
from thoughtmill.warehouse.shards import ITEMS_LANE

# Rows of a new shard that are in the lake already, by the table they would land in.
_KEPT = {
    "items": "item_id NOT IN (SELECT item_id FROM items)",
    "item_sources": "(item_id, source) NOT IN (SELECT (item_id, source) FROM item_sources)",
    "traces": "trace_id NOT IN (FROM repeated)",
    "drops": "trace_id IS NULL OR trace_id NOT IN (FROM repeated)",
    "scores": "trace_id NOT IN (FROM repeated) AND (trace_id, scorer) NOT IN "
    "(SELECT (trace_id, scorer) FROM scores WHERE trace_id IN (SELECT trace_id FROM incoming))",
    "verdicts": "trace_id NOT IN (FROM repeated) AND (trace_id, verifier) NOT IN "
    "(SELECT (trace_id, verifier) FROM verdicts WHERE trace_id IN (SELECT trace_id FROM incoming))",
    "labels": "trace_id NOT IN (FROM repeated) AND (trace_id, labeller) NOT IN "
    "(SELECT (trace_id, labeller) FROM labels WHERE trace_id IN (SELECT trace_id FROM incoming))",
    "exclusions": "trace_id NOT IN (FROM repeated)",
    "reviewed": "trace_id NOT IN (FROM repeated)",
    "gold_checks": "(item_id, reason) NOT IN (SELECT (item_id, reason) FROM gold_checks)",
    "images": "image_id NOT IN (SELECT image_id FROM images)",
}
_SETTLING = ("traces", "drops", "reviewed")
"""Tables whose rows settle what was planned."""
_KEYS = {
    "items": "item_id",
    "item_sources": "item_id, source",
    "traces": "trace_id",
    "scores": "trace_id, scorer",
    "verdicts": "trace_id, verifier",
    "labels": "trace_id, labeller",
    "reviewed": "trace_id, review",
    "gold_checks": "item_id, reason",
    "images": "image_id",
}
"""What a table holds once."""
_COUNTED = ("items", "traces", "reviewed", "gold_checks")
"""Tables whose keys every commit counts; the others' rows come with theirs."""


@dataclass(frozen=True)
class Landed:
    """What one commit added, by table, and how many of the shard's rows were there already."""

    rows: dict[str, int]
    repeated: int = 0


@dataclass
class Committer:
    """Lands the shards of one run in one lane; one thread uses it."""

    lake: Lake
    run_id: str
    lane: str
    planned: int = 0
    """Rows of the run's plan."""
    since: int = 0
    """Newest entry of the books when the run was planned."""
    _settled: npt.NDArray[np.bool_] = field(init=False, repr=False)
    _unfinished: npt.NDArray[np.bool_] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._settled = np.zeros(self.planned, dtype=bool)
        self._unfinished = np.zeros(self.planned, dtype=bool)

    @property
    def settled(self) -> int:
        """Draws of the plan that have landed."""
        return int(self._settled.sum())

    @property
    def missing(self) -> int:
        """Rows of the plan that have not landed and that no shard counts as left open."""
        return self.planned - int((self._settled | self._unfinished).sum())

    def commit(self, manifest: Manifest) -> Landed:
        """Land one shard.  Raises `LakeError`; then nothing of the shard is in the lake."""
        total = sum(file.rows for file in manifest.files)
        slots = np.frombuffer(manifest.slots, dtype="<i8")
        try:
            with writer_lock(self.lake.settings):
                newest, known, foreign = self.lake.rows(
                    (SQL / "commit_state.sql").read_text(),
                    {
                        "shard_id": manifest.shard_id,
                        "lane": self.lane,
                        "run_id": self.run_id,
                        "since": self.since,
                    },
                )[0]
                files: tuple[ShardFile, ...] = ()
                if known:
                    landed = self._landed(manifest)
                else:
                    doubtful = foreign or self._settled[slots].any() or self._repeats(manifest)
                    trimmed = self.lane == ITEMS_LANE or doubtful
                    files = self._trim(manifest) if trimmed else manifest.files
                    self._land(manifest, files, newest + 1)
                    landed = {file.path for file in files}
        except duckdb.Error as exc:
            raise LakeError(f"can't commit shard {manifest.shard_id}: {first_line(exc)}") from exc
        self._settled[slots] = True
        self._unfinished[np.frombuffer(manifest.unfinished, dtype="<i8")] = True
        for path in {f.path for f in manifest.files} - landed:
            self.lake.storage.delete(path)
        rows = {file.table: file.rows for file in files}
        return Landed(rows, repeated=total - sum(rows.values()))

    def _repeats(self, manifest: Manifest) -> bool:
        """Whether the shard holds a row twice."""
        return any(
            self.lake.one(f"SELECT count(DISTINCT ({_KEYS[file.table]})) FROM {self._read(file)}")
            < file.rows
            for file in manifest.files
            if file.table in _COUNTED
        )

    def _landed(self, manifest: Manifest) -> set[str]:
        """The files that a shard in the books landed with."""
        files = self.lake.one("SELECT files FROM shards WHERE shard_id = ?", [manifest.shard_id])
        return {file["path"] for file in files}

    def _land(self, manifest: Manifest, files: Sequence[ShardFile], commit_no: int) -> None:
        connection = self.lake.connection
        connection.execute("BEGIN")
        try:
            for file in files:
                connection.execute(
                    "CALL ducklake_add_data_files('lake', ?, ?, hive_partitioning => false)",
                    [file.table, self.lake.storage.url(file.path)],
                )
            connection.execute(
                "INSERT INTO shards VALUES (?, ?, ?, ?, ?, now())",
                [
                    commit_no,
                    manifest.shard_id,
                    manifest.run_id,
                    manifest.lane,
                    [file.model_dump() for file in files],
                ],
            )
            connection.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):  # a COMMIT that failed has rolled back already
                connection.execute("ROLLBACK")
            raise

    def _trim(self, manifest: Manifest) -> tuple[ShardFile, ...]:
        """The shard's files without the rows that are in the lake; whole files stay as they are."""
        ids = " UNION ALL ".join(
            f"SELECT trace_id, {file.table == 'drops'} AS dropped FROM {self._read(file)}"
            for file in manifest.files
            if file.table in _SETTLING
        )
        self.lake.connection.execute(
            "CREATE OR REPLACE TEMP TABLE incoming AS FROM "
            f"({ids or 'SELECT NULL::VARCHAR AS trace_id, false AS dropped'}) "
            "WHERE trace_id IS NOT NULL"
        )
        reviewed = any(file.table == "reviewed" for file in manifest.files)
        self.lake.connection.execute(
            (SQL / ("repeated_reviews.sql" if reviewed else "repeated_draws.sql")).read_text(),
            {"lane": self.lane}
            if reviewed
            else {"lane": self.lane, "since": self.since, "run_id": self.run_id},
        )
        return tuple(kept for file in manifest.files if (kept := self._trim_file(file)).rows)

    def _trim_file(self, file: ShardFile) -> ShardFile:
        kept = _KEPT.get(file.table)
        if kept is None:
            return file
        if key := _KEYS.get(file.table):
            kept += f" QUALIFY row_number() OVER (PARTITION BY {key}) = 1"
        fresh = f"FROM {self._read(file)} WHERE {kept}"
        rows = int(self.lake.one(f"SELECT count(*) FROM (SELECT * {fresh})"))
        if rows in (0, file.rows):
            return file.model_copy(update={"rows": rows})
        path = file.path.replace(".parquet", "-trimmed.parquet")
        self.lake.connection.execute(
            f"COPY (SELECT * {fresh}) "
            f"TO '{quoted(self.lake.storage.url(path))}' (FORMAT parquet, COMPRESSION zstd)"
        )
        return ShardFile(table=file.table, path=path, rows=rows)

    def _read(self, file: ShardFile) -> str:
        # A folder above the lake that is named like `exp=1` is not a column of its rows.
        return (
            f"read_parquet('{quoted(self.lake.storage.url(file.path))}', hive_partitioning = false)"
        )


def newest_entry(lake: Lake) -> int:
    """`commit_no` of the newest shard in the books, 0 in an empty lake."""
    value: Any = lake.one("SELECT coalesce(max(commit_no), 0) FROM shards")
    return int(value)

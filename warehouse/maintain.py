"""Keeping a lake fast and tidy: merge small files, sweep files that nothing names any more.

A merged file remembers which rows came with which snapshot, so a mix or an export of an older
snapshot can still be drawn again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import duckdb

from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.extensions import first_line
from thoughtmill.warehouse.images import FOLDER as IMAGES
from thoughtmill.warehouse.lake import SQL, Lake, require_lake
from thoughtmill.warehouse.lock import writer_lock
from thoughtmill.warehouse.plan import PLANS
from thoughtmill.warehouse.shards import TABLES

_DAY_S = 86_400.0
_PLAN_AGE_S = 30 * _DAY_S
_OURS = (TABLES, IMAGES, PLANS)
"""Folders below the data path in which files are swept; nothing else there is touched."""
_MADE_AT_ONCE = 1
"""Merged files, of DuckLake's own size, that one hold of the writer lock makes: commits wait."""


@dataclass(frozen=True)
class Maintained:
    """What maintenance did."""

    merged: int
    """Files fewer than before."""
    swept: int
    """Files deleted: left behind by a worker, or merged into another."""


def maintain(settings: LakeSettings, *, orphan_age_s: float = _DAY_S) -> Maintained:
    """Merge adjacent files, and delete orphans and merged files older than `orphan_age_s` seconds.

    A file a worker has just written and not yet announced is no orphan, and a query may still read
    what has just been merged: leave the age a good deal longer than either.  A plan is kept for 30
    days, because its run reads it to the end.  Raises `ConfigError` where there is no lake, and
    `LakeError`.
    """
    require_lake(settings)
    with Lake.create(settings) as lake:
        try:
            with writer_lock(settings):
                lake.connection.execute("CALL ducklake_flush_inlined_data('lake')")
            merged = sum(_merge(lake, settings, table) for table in lake.tables())
            with writer_lock(settings):
                merged_away = lake.rows(
                    "CALL ducklake_cleanup_old_files('lake', "
                    f"older_than => now() - to_milliseconds({int(orphan_age_s * 1000)}))"
                )
                base = lake.storage.url("")
                names = lake.rows((SQL / "known_files.sql").read_text())
                known = {path.removeprefix(base) for (path,) in names}
        except duckdb.Error as exc:
            raise LakeError(f"can't merge the lake's files: {first_line(exc)}") from exc
        storage = lake.storage
        now = time.time()
        orphans = [
            path
            for folder in _OURS
            for path, written in storage.files(folder).items()
            if path not in known
            and now - written > (_PLAN_AGE_S if path.startswith(f"{PLANS}/") else orphan_age_s)
        ]
        for path in orphans:
            storage.delete(path)
        return Maintained(merged=merged, swept=len(orphans) + len(merged_away))


def _merge(lake: Lake, settings: LakeSettings, table: str) -> int:
    """Merge a table's files, some at a time; how many fewer there are."""
    files = f"SELECT count(*) FROM ducklake_list_files('lake', '{table}')"
    first = before = int(lake.one(files))
    while before > 1:
        with writer_lock(settings):
            lake.connection.execute(
                f"CALL ducklake_merge_adjacent_files('lake', '{table}', "
                f"max_compacted_files => {_MADE_AT_ONCE})"
            )
            after = int(lake.one(files))
        if after >= before:
            break
        before = after
    return first - before

"""Keeping a lake fast and tidy: merge small files, sweep files that no commit names.

Merging writes new files and forgets old ones; old snapshots keep theirs until they are expired, so
a mix or an export can still be drawn again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import duckdb

from schemas.errors import LakeError
from schemas.settings import LakeSettings
from warehouse.lake import Lake
from warehouse.lock import writer_lock

_ORPHAN_AGE_S = 86_400.0


@dataclass(frozen=True)
class Maintained:
    """What maintenance did."""

    merged: int
    """Files fewer than before."""
    swept: int
    """Left-behind files deleted."""


def maintain(settings: LakeSettings, *, orphan_age_s: float = _ORPHAN_AGE_S) -> Maintained:
    """Merge adjacent files and delete orphans older than `orphan_age_s` seconds.

    A file a worker has just written and not yet announced is no orphan: leave its age a good deal
    longer than a flush.  Raises `LakeError`.
    """
    with Lake.create(settings) as lake:
        try:
            with writer_lock(settings):
                before = _live(lake)
                lake.connection.execute("CALL ducklake_merge_adjacent_files('lake')")
                after = _live(lake)
                known = _known(lake)
        except duckdb.Error as exc:
            raise LakeError(f"can't merge the lake's files: {exc}") from exc
        storage = lake.storage
        old = time.time() - orphan_age_s
        orphans = [path for path, age in storage.files().items() if path not in known and age < old]
        for path in orphans:
            storage.delete(path)
        return Maintained(merged=len(before) - len(after), swept=len(orphans))


def _live(lake: Lake) -> set[str]:
    """Data files of the newest snapshot."""
    files: set[str] = set()
    for table in lake.tables():
        rows = lake.rows(f"SELECT data_file FROM ducklake_list_files('lake', '{table}')")
        files.update(path for (path,) in rows)
    return files


def _known(lake: Lake) -> set[str]:
    """Relative paths of every file that the catalog or the books of any snapshot name."""
    rows = lake.rows(
        "SELECT path FROM __ducklake_metadata_lake.ducklake_data_file "
        "UNION ALL SELECT path FROM __ducklake_metadata_lake.ducklake_delete_file "
        "UNION ALL SELECT path FROM __ducklake_metadata_lake.ducklake_files_scheduled_for_deletion"
    )
    return {path for (path,) in rows}

"""Keeping a lake fast and tidy: merge small files, sweep files that nothing names any more.

A merged file remembers which rows came with which snapshot, so a mix or an export of an older
snapshot can still be drawn again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import duckdb

from schemas.errors import LakeError
from schemas.settings import LakeSettings
from warehouse.extensions import first_line
from warehouse.lake import SQL, Lake, require_lake
from warehouse.lock import writer_lock
from warehouse.plan import PLANS

_DAY_S = 86_400.0
_PLAN_AGE_S = 30 * _DAY_S


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
                before = _live(lake)
                lake.connection.execute("CALL ducklake_merge_adjacent_files('lake')")
                after = _live(lake)
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
            for path, written in storage.files().items()
            if path not in known
            and now - written > (_PLAN_AGE_S if path.startswith(f"{PLANS}/") else orphan_age_s)
        ]
        for path in orphans:
            storage.delete(path)
        return Maintained(merged=before - after, swept=len(orphans) + len(merged_away))


def _live(lake: Lake) -> int:
    """Data files of the newest snapshot."""
    return sum(
        int(lake.one(f"SELECT count(*) FROM ducklake_list_files('lake', '{table}')"))
        for table in lake.tables()
    )

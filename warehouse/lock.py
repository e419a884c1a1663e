"""The writer lock: one commit at a time in a lake, whichever process or machine it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import duckdb
from filelock import FileLock, Timeout

from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.extensions import connect, first_line, quoted

WAIT_S = 120.0
_ADVISORY_KEY = 7_407_013_771


@contextmanager
def writer_lock(settings: LakeSettings, name: str = "") -> Iterator[None]:
    """Hold the lake's writer lock; `LakeError` after two minutes of waiting.

    `name` makes it another lock, for work that must not be done twice at once beside commits.

    SQLite catalog: a lock file beside it, freed by the kernel when its holder dies.  PostgreSQL
    catalog: an advisory lock that lives and dies with a transaction of its own.
    """
    kind, _, location = settings.catalog.partition(":")
    if kind == "sqlite":
        lock = FileLock(f"{Path(location).absolute()}{name and f'.{name}'}.lock", timeout=WAIT_S)
        try:
            lock.acquire()
        except Timeout as exc:
            raise LakeError(
                f"another process has held the lake at {location} for {WAIT_S:.0f} s: "
                "look for a hung `thoughtmill` process"
            ) from exc
        except OSError as exc:
            raise LakeError(f"can't lock the lake at {location}: {exc.strerror}") from exc
        try:
            yield
        finally:
            lock.release()
        return
    connection = connect("postgres_scanner")
    try:
        _lock_postgres(connection, location, _ADVISORY_KEY + crc32(name.encode()))
        yield
    finally:
        connection.close()


def _lock_postgres(connection: duckdb.DuckDBPyConnection, location: str, key: int) -> None:
    try:
        connection.execute(f"ATTACH '{quoted(location)}' AS locks (TYPE postgres)")
        connection.execute("BEGIN")
        connection.execute(
            "SELECT * FROM postgres_query('locks', "
            f"'SELECT 1 FROM (SELECT pg_advisory_xact_lock({key})) AS held')"
        )
    except duckdb.Error as exc:
        raise LakeError(f"can't lock the lake's PostgreSQL catalog: {first_line(exc)}") from exc

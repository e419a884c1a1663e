"""Opening a lake: DuckLake catalog, tables, views and version.  It writes no rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import duckdb

from thoughtmill.schemas.errors import ConfigError, LakeError
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.extensions import connect, first_line, load, quoted
from thoughtmill.warehouse.lock import writer_lock
from thoughtmill.warehouse.shards import TABLES
from thoughtmill.warehouse.storage import Storage

LAKE_VERSION = 2
Parameters = Sequence[Any] | Mapping[str, Any] | None
SQL = Path(__file__).parent / "sql"
_BUSY_TIMEOUT_MS = 30_000
_WRITER_MEMORY = "768MB"


@dataclass
class Lake:
    """An attached lake; its tables and views are the connection's default schema.

    `with Lake.create(settings) as lake` closes the connection at the end; it commits nothing.
    """

    settings: LakeSettings
    connection: duckdb.DuckDBPyConnection

    @property
    def storage(self) -> Storage:
        return Storage(self.settings.data)

    @property
    def data(self) -> str:
        """The data path as a worker takes it whose working directory is another."""
        return self.storage.url("").rstrip("/")

    @classmethod
    def create(cls, settings: LakeSettings) -> Self:
        """Open a lake for writing, and make it first where there is none.

        Raises `LakeError` for a lake of another version, a catalog that can't be reached and a disk
        that is full.
        """
        kind, _, location = settings.catalog.partition(":")
        try:
            if kind == "sqlite":
                Path(location).parent.mkdir(parents=True, exist_ok=True)
            if "://" not in settings.data:
                Path(settings.data).mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise LakeError(f"can't make the lake at {location}: {exc.strerror}") from exc
        with writer_lock(settings):
            lake = cls(settings, _attach(settings, read_only=False))
            try:
                if not lake.tables():
                    lake._make()
                else:
                    lake._check_version()
                    lake._renew_views()
            except BaseException as exc:
                lake.connection.close()
                if isinstance(exc, duckdb.Error):
                    raise LakeError(
                        f"can't make the lake at {location}: {first_line(exc)}"
                    ) from exc
                raise
        return lake

    @classmethod
    def open(cls, settings: LakeSettings, *, snapshot: int | None = None) -> Self:
        """Open a lake for reading only, as it is or as it was at `snapshot`.

        `ConfigError` where there is no lake.
        """
        require_lake(settings)
        lake = cls(settings, _attach(settings, read_only=True, snapshot=snapshot))
        try:
            lake._check_version()
        except LakeError:
            lake.connection.close()
            raise
        return lake

    def tables(self) -> list[str]:
        """Names of the lake's tables."""
        rows = self.connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' ORDER BY 1"
        )
        return [name for (name,) in rows.fetchall()]

    def rows(self, sql: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """All rows of a small query."""
        return self.connection.execute(sql, parameters or []).fetchall()

    def one(self, sql: str, parameters: Parameters = None) -> Any:
        """The single value of a query that gives one row of one column."""
        ((value,),) = self.rows(sql, parameters)
        return value

    def snapshot(self) -> int:
        """The snapshot this connection reads; a mix or export that names it can be redrawn."""
        return int(self.one("SELECT id FROM ducklake_current_snapshot('lake')"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.connection.close()

    def _make(self) -> None:
        if self.storage.files(TABLES):
            raise LakeError(
                f"{self.settings.data} holds the files of another lake, and no catalog that names "
                "them is here: put its catalog back, or choose another folder"
            )
        self.connection.execute("BEGIN")
        self.connection.execute((SQL / "tables.sql").read_text())
        self._make_views()
        self.connection.execute("INSERT INTO lake_version VALUES (?)", [LAKE_VERSION])
        self.connection.execute("COMMIT")

    def _renew_views(self) -> None:
        """Give a lake that another release has made this release's views."""
        there = "lake_views" in self.tables()
        if not there or self.one("SELECT max(fingerprint) FROM lake_views") != _fingerprint():
            self.connection.execute("BEGIN")
            self._make_views()
            self.connection.execute("COMMIT")

    def _make_views(self) -> None:
        for name, query in views().items():
            self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")
        self.connection.execute("CREATE TABLE IF NOT EXISTS lake_views (fingerprint VARCHAR)")
        self.connection.execute("DELETE FROM lake_views")
        self.connection.execute("INSERT INTO lake_views VALUES (?)", [_fingerprint()])

    def _check_version(self) -> None:
        if "lake_version" not in self.tables():
            raise LakeError(
                f"the catalog {self.settings.catalog} is a DuckLake, but not one of ours: "
                "name another with `lake:`"
            )
        version = self.one("SELECT max(version) FROM lake_version")
        if version != LAKE_VERSION:
            raise LakeError(
                f"the lake at {self.settings.catalog} has version {version}, this release reads "
                f"version {LAKE_VERSION}: use the release that made it, or start a new lake"
            )


def require_lake(settings: LakeSettings) -> None:
    """Raise `ConfigError` where there is no catalog."""
    kind, _, location = settings.catalog.partition(":")
    if kind == "sqlite" and not Path(location).is_file():
        raise ConfigError(
            f"no lake at {Path(location).parent}: start a run first, or name one with --lake"
        )


def views() -> dict[str, str]:
    """The public views by name, in an order in which each finds what it builds on."""
    order = ("public_texts", "segments", "thoughts", "thinking_length", "cost", "drop_reasons")
    screening = ("screens_in_force", "exclusions_in_force", "eligible")
    counting = ("exclusion_counts", "exclusion_overlap", "holdings")
    judging = ("gold_problems", "item_categories", "judged", "graded")
    grading = (*judging, "graded_draws", "pass_rates", "difficulty")
    names = (*order, *screening, "run_report", *grading, "deepdistill_selection", *counting)
    selecting = ("candidates", "checks", "samples", "code_traces", "grading_report")
    return {n: (SQL / "views" / f"{n}.sql").read_text() for n in (*names, *selecting)}


def _fingerprint() -> str:
    return content_hash("views", views())


def _attach(
    settings: LakeSettings, *, read_only: bool, snapshot: int | None = None
) -> duckdb.DuckDBPyConnection:
    kind, _, location = settings.catalog.partition(":")
    options = [f"DATA_PATH '{quoted(Storage(settings.data).url(''))}'", "OVERRIDE_DATA_PATH true"]
    scanner = f"{kind}_scanner"
    if kind == "sqlite":
        location = str(Path(location).absolute())
        options.append(f"META_BUSY_TIMEOUT {_BUSY_TIMEOUT_MS}")
        if not read_only:  # WAL lets readers go on while a commit is written; the file stays in it
            options.append("META_JOURNAL_MODE 'WAL'")
    if read_only:
        options.append("READ_ONLY")
    if snapshot is not None:
        options.append(f"SNAPSHOT_VERSION {snapshot}")
    connection = connect("ducklake", scanner, memory_limit=None if read_only else _WRITER_MEMORY)
    if settings.data.startswith("s3://"):
        load(connection, "httpfs")
        connection.execute(_s3_secret())
    try:
        connection.execute(
            f"ATTACH 'ducklake:{kind}:{quoted(location)}' AS lake ({', '.join(options)})"
        )
        connection.execute("USE lake")
    except duckdb.Error as exc:
        connection.close()
        raise LakeError(f"can't open the lake at {settings.catalog}: {first_line(exc)}") from exc
    return connection


def _s3_secret() -> str:
    """Credentials for S3 from the usual environment variables, for this connection alone."""
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    values = {
        "KEY_ID": os.environ.get("AWS_ACCESS_KEY_ID"),
        "SECRET": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "SESSION_TOKEN": os.environ.get("AWS_SESSION_TOKEN"),
        "REGION": os.environ.get("AWS_REGION", "us-east-1"),
        "ENDPOINT": endpoint.netloc or None,
        "URL_STYLE": "path" if endpoint.netloc else None,
    }
    given = [f"{name} '{quoted(value)}'" for name, value in values.items() if value]
    if endpoint.scheme == "http":
        given.append("USE_SSL false")
    return f"CREATE SECRET lake_s3 (TYPE s3, {', '.join(given)})"

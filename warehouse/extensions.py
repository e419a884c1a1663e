"""DuckDB with the extensions the lake needs, from pip packages where they are installed.

DuckDB checks an extension's signature at LOAD, so a package cannot smuggle anything in.  Without
the package, DuckDB's own INSTALL is tried; a user with no network beyond a package index gets a
lake either way.
"""

from __future__ import annotations

import importlib.util
import secrets
import tempfile
from pathlib import Path

import duckdb

from thoughtmill.schemas.errors import LakeError


def connect(*extensions: str, memory_limit: str | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with `extensions` loaded, spilling to the system's temporary folder."""
    # A folder of its own, which DuckDB makes when it spills and removes at its end: two that share
    # one read each other's rows, and one of them need not notice (DuckDB 1.5.5).
    spill = Path(tempfile.gettempdir(), f"thoughtmill-{secrets.token_hex(8)}")
    connection = duckdb.connect(config={"temp_directory": str(spill)})
    if memory_limit:
        connection.execute("SET memory_limit = ?", [memory_limit])
    for name in extensions:
        load(connection, name)
    return connection


def load(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load one extension, or raise `LakeError` with the package to install."""
    packaged = packaged_extension(name)
    try:
        if packaged is not None:
            connection.execute(f"LOAD '{quoted(str(packaged))}'")
        else:
            connection.execute(f"INSTALL {name}")
            connection.execute(f"LOAD {name}")
    except duckdb.Error as exc:
        raise LakeError(
            f"DuckDB extension {name!r} can't be loaded: "
            f"pip install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        ) from exc


def packaged_extension(name: str) -> Path | None:
    """The extension file of the installed pip package, built for this DuckDB, or None."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder, "extensions", f"v{duckdb.__version__}", f"{name}.duckdb_extension")
        if file.is_file():
            return file
    return None


def quoted(text: str) -> str:
    """Text for a place between single quotes in SQL that takes no bound value."""
    return text.replace("'", "''")


def identifier(name: str) -> str:
    """A column's name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def first_line(exc: Exception) -> str:
    """The part of a DuckDB error that a person needs."""
    return str(exc).splitlines()[0]

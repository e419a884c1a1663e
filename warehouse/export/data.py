"""Writing the rows of a layout as Parquet files, in order.

SQL layouts are written by DuckDB, one file a statement: within a file it keeps the order whatever
its number of threads, and equal rows give equal bytes; where it splits a result over files by
itself it does neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from thoughtmill.schemas.arrow import from_table
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.extensions import identifier, quoted
from thoughtmill.warehouse.images import embed
from thoughtmill.warehouse.lake import SQL, Lake
from thoughtmill.warehouse.layouts.layout import RowLayout, SqlLayout

_BATCH = 1_000
_Values = dict[str, Any] | None


def write_data(lake: Lake, settings: ExportSettings, folder: Path) -> list[Path]:
    """Write what is chosen into `folder`; its files in order, none where there are no rows."""
    folder.mkdir(parents=True)
    if settings.query is None and isinstance(settings.layout, RowLayout):
        if settings.columns is not None:
            _require_columns(settings.columns, settings.layout.schema.names)
        tables = (_narrowed(table, settings) for table in laid_out(lake, settings))
        return write_tables(tables, folder, settings.shard_rows)
    selection, values = _projected(lake, settings)
    if settings.query is None:
        there = int(lake.one("SELECT count(*) FROM chosen"))
        if there <= settings.shard_rows:  # a layout in SQL gives at most a row a trace
            return _write_file(lake, folder / file_name(0), selection, values)
    # More than a file: the rows are laid down once, in order, and cut by their number.
    lake.connection.execute(f"CREATE OR REPLACE TEMP TABLE published AS {selection}", values)
    # Row ids of a table made in this transaction do not begin at 0.
    first, last = lake.rows(
        "SELECT coalesce(min(rowid), 0), coalesce(max(rowid), -1) FROM published"
    )[0]
    files = []
    for number, start in enumerate(range(first, last + 1, settings.shard_rows)):
        end = start + settings.shard_rows
        part = (
            f"SELECT * FROM temp.published WHERE rowid >= {start} AND rowid < {end} ORDER BY rowid"
        )
        files += _write_file(lake, folder / file_name(number), part)
    lake.connection.execute("DROP TABLE temp.published")
    return files


def write_tables(tables: Iterable[pa.Table], folder: Path, shard_rows: int) -> list[Path]:
    """Write a stream of tables of one schema as Parquet files of at most `shard_rows` rows."""
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    writer, room = None, 0
    try:
        for table in tables:
            while table.num_rows:
                if writer is None:
                    files.append(folder / file_name(len(files)))
                    writer = pq.ParquetWriter(files[-1], table.schema, compression="zstd")
                    room = shard_rows
                head = table.slice(0, room)
                writer.write_table(head)
                table, room = table.slice(head.num_rows), room - head.num_rows
                if not room:
                    writer.close()
                    writer = None
    finally:
        if writer is not None:
            writer.close()
    return files


def laid_out(lake: Lake, settings: ExportSettings) -> Iterator[pa.Table]:
    """What is chosen in its layout, all columns, a batch at a time."""
    layout = settings.layout
    if isinstance(layout, RowLayout):
        yield from _laid_out_rows(lake, layout)
        return
    found = lake.connection.execute(*_selection(settings))
    for batch in found.to_arrow_reader(_BATCH):
        yield pa.Table.from_batches([batch])


def file_name(number: int) -> str:
    """Name of a file of the split `train`; names sort in the order of the rows."""
    return f"train-{number:05}.parquet"


def _write_file(lake: Lake, file: Path, rows: str, values: _Values = None) -> list[Path]:
    """Write what a SELECT gives; no file where it gives nothing."""
    # Not by way of a relation: with bound values it would hold all rows in memory first.
    ((count,),) = lake.rows(
        f"COPY (\n{rows}\n) TO '{quoted(str(file))}' (FORMAT parquet, COMPRESSION zstd)", values
    )
    if count:
        return [file]
    file.unlink()
    return []


def _selection(settings: ExportSettings) -> tuple[str, _Values]:
    """The rows to publish, as a SELECT and its bound values."""
    if settings.query is not None:
        if len(duckdb.extract_statements(settings.query)) != 1:
            raise ConfigError(f"publish.query: {settings.query!r} must be one SELECT")
        return settings.query.strip().rstrip(";"), None
    layout = settings.layout
    assert isinstance(layout, SqlLayout)
    return layout.query(), layout.parameters()


def _projected(lake: Lake, settings: ExportSettings) -> tuple[str, _Values]:
    """The columns that are asked for; maps become lists of keys and values, which datasets load."""
    selection, values = _selection(settings)
    kinds = {n: kind for n, kind, *_ in lake.rows(f"DESCRIBE (\n{selection}\n)", values)}
    if settings.columns is not None:
        _require_columns(settings.columns, kinds)
    columns = {name: identifier(name) for name in settings.columns or kinds}
    shown = ", ".join(
        f"map_entries({column}) AS {column}"
        if kinds[name].startswith("MAP(") and kinds[name].endswith(")")
        else column
        for name, column in columns.items()
    )
    return f"SELECT {shown} FROM (\n{selection}\n)", values


def _laid_out_rows(lake: Lake, layout: RowLayout) -> Iterator[pa.Table]:
    """The rows of a layout in Python, a batch of traces at a time."""
    text = (SQL / "chosen_rows.sql").read_text()
    for batch in lake.connection.sql(text).to_arrow_reader(_BATCH):
        traces = from_table(Trace, pa.Table.from_struct_array(batch.column("trace")))
        items = from_table(Item, pa.Table.from_struct_array(batch.column("item")))
        rows = [
            row
            for trace, item in zip(traces, items, strict=True)
            for row in layout.rows(trace, item)
        ]
        yield embed(pa.Table.from_pylist(rows, schema=layout.schema), lake.storage)


def _narrowed(table: pa.Table, settings: ExportSettings) -> pa.Table:
    return table if settings.columns is None else table.select(list(settings.columns))


def _require_columns(asked: tuple[str, ...], there: Iterable[str]) -> None:
    missing = [name for name in asked if name not in set(there)]
    if missing:
        raise ConfigError(
            f"publish.columns: no column {', '.join(missing)}; there are {', '.join(there)}"
        )

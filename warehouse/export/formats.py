"""Further formats of rows that are written as Parquet: JSON lines and WebDataset shards."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow.parquet as pq

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.warehouse.extensions import quoted

_TAR_ROWS = 2_000
"""Rows of one tar file."""
_BATCH = 1_000


def write_jsonl(data: duckdb.DuckDBPyRelation, folder: Path) -> None:
    """Write `train.jsonl`, one object a row, in order."""
    blobs = [n for n, t in zip(data.columns, data.types, strict=True) if "BLOB" in str(t)]
    if blobs:
        raise ConfigError(
            f"publish.jsonl: JSON can't hold the bytes in {', '.join(blobs)}: set `jsonl: false` "
            "(--no-jsonl of an export)"
        )
    folder.mkdir()
    target = quoted(str(folder / "train.jsonl"))
    data.query("data", f"COPY (FROM data) TO '{target}' (FORMAT json)")


def write_webdataset(files: Sequence[Path], folder: Path) -> None:
    """Write `train-000000.tar` and on: `<number>.json` holds a row, `<number>.txt` its text.

    Times and owners in the archives are zero, so that equal rows give equal bytes.
    """
    folder.mkdir()
    numbered = enumerate(_rows(files))
    for shard in count():
        rows = list(islice(numbered, _TAR_ROWS))
        if not rows:
            break
        with tarfile.open(folder / f"train-{shard:06}.tar", "w", format=tarfile.USTAR_FORMAT) as to:
            for number, row in rows:
                _add(to, f"{number:09}.json", _json(row))
                if isinstance(row.get("text"), str):
                    _add(to, f"{number:09}.txt", row["text"].encode())


def _rows(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(_BATCH):
            yield from batch.to_pylist(maps_as_pydicts="strict")


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def _json(row: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(row)
    except TypeError as exc:
        raise ConfigError(f"publish.webdataset: {exc}: set `webdataset: false`") from exc

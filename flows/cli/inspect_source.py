"""`thoughtmill inspect`: what a file holds, and the config that reads it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Drop, Item
from thoughtmill.tasks.sources import AnySource
from thoughtmill.tasks.sources.base import SAMPLE_ROWS, MappedSource, Part, Record
from thoughtmill.tasks.sources.files import open_bytes
from thoughtmill.tasks.sources.paths import names_of
from thoughtmill.tasks.sources.presets import PRESETS, fitting

_SOURCES: TypeAdapter[AnySource] = TypeAdapter(AnySource)
_ENDINGS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".tex": "text", ".md": "text"}
_ENDINGS |= {".txt": "text", ".rst": "text", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def inspect_source(path: str) -> Iterator[str]:
    """Lines that say which columns a file has, which presets fit, and how to read it.

    Raises `ConfigError` where the file can't be read at all.
    """
    config: dict[str, Any] = {"kind": _kind(path), "path": path}
    if path.endswith(".tsv"):
        config["delimiter"] = "\t"
    rows = _rows(config)
    if len(rows) == 1 and config["kind"] == "json":
        config |= _shape(rows[0])
        rows = _rows(config)
    yield f"{path}: kind {config['kind']}, {len(rows)} rows looked at"
    columns = Counter(name for row in rows for name in dict.fromkeys(names_of(row)))
    for name, count in columns.items():
        yield f"  {name}" + ("" if count == len(rows) else f" (in {count})")
    fits = fitting(rows)
    for name in fits:
        yield f"preset {name}: {PRESETS[name].about}"
    if fits:
        config["preset"] = fits[0]
        yield from _tried(config)
    elif config["kind"] != "text":
        yield "no preset fits: name the columns (docs/reference/layouts.md has the settings)"
        config["fields"] = {"text": "COLUMN", "reference": "COLUMN"}
    yield "sources:"
    shown = yaml.safe_dump([config], sort_keys=False, allow_unicode=True).rstrip()
    yield from (f"  {line}" for line in shown.splitlines())


def _kind(path: str) -> str:
    """The kind of source that reads a file, by its ending and its first bytes."""
    if not os.path.isfile(path):
        raise ConfigError(f"{path}: no such file")
    stem = path.removesuffix(".gz").removesuffix(".zst")
    ending = os.path.splitext(stem)[1].lower()
    with open_bytes(path) as stream:
        head = stream.read(1 << 16).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return "parquet"
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if head.startswith(b"["):
        return "json"
    if head.startswith(b"{"):
        return "jsonl" if head.partition(b"\n")[0].rstrip().endswith(b"}") else "json"
    raise ConfigError(f"{path}: unknown format; a source reads JSON, CSV, Parquet or text files")


def _source(config: dict[str, Any]) -> MappedSource:
    try:
        source = _SOURCES.validate_python(config)
    except ValidationError as exc:
        raise ConfigError(f"{config['path']}: {exc.errors()[0]['msg']}") from exc
    assert isinstance(source, MappedSource)
    return source


def _rows(config: dict[str, Any]) -> list[Any]:
    """The first rows, all columns of them."""
    source = _source(config)
    if config["kind"] == "parquet":
        columns = list(source.sample(source.pieces())[0])
        source = _source({**config, "fields": {"text": columns[0], "meta": columns}})
    found = (one for piece in source.pieces() for one in source.records(piece))
    return [one.row for one in islice(found, SAMPLE_ROWS) if isinstance(one, Record)]


def _shape(row: Any) -> dict[str, Any]:
    """How a JSON file that is one object holds its rows."""
    if not isinstance(row, dict):
        return {}
    for key, value in row.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return {"records_at": key}
    if row and all(isinstance(value, dict) for value in row.values()):
        return {"by_column": True}
    return {}


def _tried(config: dict[str, Any]) -> Iterator[str]:
    """What becomes of the first rows under a preset."""
    source = _source(config).model_copy(update={"limit": SAMPLE_ROWS})
    pieces = tuple(source.pieces())
    source.check(pieces)
    made = list(islice(source.read(Part(pieces), ""), SAMPLE_ROWS))
    items = [row for row in made if isinstance(row, Item)]
    drops = Counter(row.reason for row in made if isinstance(row, Drop))
    yield f"of the first {len(made)} rows {len(items)} make items" + (
        f"; left out: {', '.join(f'{reason} {count}' for reason, count in drops.items())}"
        if drops
        else ""
    )
    if items:
        first = items[0]
        yield f"  problem: {' '.join(first.text.split())[:100]}"
        yield f"  gold: {first.reference}"
        if first.choices:
            yield f"  options: {' | '.join(first.choices)[:200]}"
        yield f"  carried along: {', '.join(first.meta) or 'nothing'}"

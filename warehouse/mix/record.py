"""The lake's book of mixes: what was drawn, from which snapshot, and how much it was."""

from __future__ import annotations

from typing import Any

import duckdb
import orjson

from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.ids import content_hash
from thoughtmill.warehouse.export.export import Export, export
from thoughtmill.warehouse.extensions import first_line
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.lock import writer_lock
from thoughtmill.warehouse.mix.config import MixConfig
from thoughtmill.warehouse.mix.mix import Draw
from thoughtmill.warehouse.mix.pool import required


def publish_mix(config: MixConfig) -> Export:
    """Draw a mix, publish it and enter it in the lake's book.  Errors are those of `export`."""
    result = export(config.lake, config.publish, config.drawing)
    assert result.mix is not None
    enter(config, result.mix)
    return result


def enter(config: MixConfig, drawn: Draw) -> str:
    """Enter a mix, once however often it is drawn; returns its id, a hash of all that decides it.

    Raises `LakeError` where the catalog can't be written.
    """
    spec = _spec(config)
    entry = content_hash("mix", spec, drawn.snapshot)
    text = orjson.dumps(spec).decode()
    values = [entry, config.name, text, drawn.snapshot, drawn.rows, drawn.tokens]
    try:
        with Lake.create(config.lake) as lake, writer_lock(config.lake):
            if not lake.one("SELECT count(*) FROM mixes WHERE mix_id = ?", [entry]):
                lake.connection.execute(
                    "INSERT INTO mixes VALUES (?, ?, ?, ?, now(), ?, ?, ?)",
                    [*values, drawn.draw_hash],
                )
    except duckdb.Error as exc:
        raise LakeError(f"can't write the lake's book of mixes: {first_line(exc)}") from exc
    return entry


def _spec(config: MixConfig) -> dict[str, Any]:
    """What decides which rows are drawn; where a tokenizer counts, it and the layout do too."""
    spec = {**config.drawing.model_dump(mode="json"), "where": required(config.drawing)}
    if config.publish.tokens is not None and config.counted == "tokens" and config.size is None:
        spec["publish"] = config.publish.model_dump(mode="json", include={"layout", "tokens"})
    return spec

"""The lake's book of mixes: what was drawn, from which snapshot, and how much it was."""

from __future__ import annotations

import duckdb
import orjson

from schemas.errors import LakeError
from schemas.ids import content_hash
from schemas.mixes import MixSettings
from schemas.settings import LakeSettings
from warehouse.export import Export, export
from warehouse.extensions import first_line
from warehouse.lake import Lake
from warehouse.lock import writer_lock
from warehouse.mix import Draw
from warehouse.mix_config import MixConfig


def publish_mix(config: MixConfig) -> Export:
    """Draw a mix, publish it and enter it in the lake's book.  Errors are those of `export`."""
    result = export(config.lake, config.publish, config.drawing)
    assert result.mix is not None
    enter(config.lake, config.drawing, result.mix)
    return result


def mix_id(settings: MixSettings, snapshot: int) -> str:
    """Hash of a mix's settings and the snapshot it is drawn from."""
    return content_hash("mix", settings.model_dump(mode="json"), snapshot)


def enter(lake_settings: LakeSettings, settings: MixSettings, drawn: Draw) -> str:
    """Enter a mix, once however often it is drawn; returns its id."""
    entry = mix_id(settings, drawn.snapshot)
    spec = orjson.dumps(settings.model_dump(mode="json")).decode()
    values = [entry, settings.name, spec, drawn.snapshot, drawn.rows, drawn.tokens]
    try:
        with Lake.create(lake_settings) as lake, writer_lock(lake_settings):
            if not lake.one("SELECT count(*) FROM mixes WHERE mix_id = ?", [entry]):
                lake.connection.execute(
                    "INSERT INTO mixes VALUES (?, ?, ?, ?, now(), ?, ?, ?)",
                    [*values, drawn.draw_hash],
                )
    except duckdb.Error as exc:
        raise LakeError(f"can't write the lake's book of mixes: {first_line(exc)}") from exc
    return entry

"""Publishing: a selection of the lake as a folder for `datasets.load_dataset`, with its card.

The folder appears complete or not at all; what an interrupted export leaves ends in `.partial`.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import orjson
import yaml

from thoughtmill.schemas.errors import ConfigError, LakeError
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.mixes import MixSettings
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.card import write_card
from thoughtmill.warehouse.export.data import write_data
from thoughtmill.warehouse.export.formats import write_jsonl, write_webdataset
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.export.tokens import tokenize_files
from thoughtmill.warehouse.extensions import first_line
from thoughtmill.warehouse.lake import SQL, Lake
from thoughtmill.warehouse.mix.measure import draw_for
from thoughtmill.warehouse.mix.mix import Draw, require
from thoughtmill.warehouse.mix.pool import required

MARKER = "thoughtmill.json"
MIX = "mix.yaml"
DRAW = "draw.parquet"
_VIEWS = ("candidates", "samples")
"""Where a predicate may look: the second costs joins with verdicts and scores."""


@dataclass(frozen=True)
class Export:
    """What was published."""

    folder: Path
    rows: int
    columns: tuple[str, ...]
    snapshot: int
    content_hash: str
    """Hash of the Parquet files, byte by byte, in order."""
    left_out: int = 0
    """Rows longer than a packed sequence that were dropped."""
    mix: Draw | None = field(default=None, repr=False)


def export(
    lake_settings: LakeSettings, settings: ExportSettings, mix: MixSettings | None = None
) -> Export:
    """Write the dataset folder and return what is in it: a mix, or what `settings` select.

    Raises `ConfigError` for a selection DuckDB refuses, one without rows, a mix that can't be as
    asked for, or a folder that holds something else; `LakeError` where the disk refuses.
    """
    target = Path(settings.folder)
    require_free(target)
    partial = target.with_name(target.name + ".partial")
    with Lake.open(lake_settings, snapshot=settings.snapshot) as lake:
        lake.connection.execute("SET memory_limit = ?", [settings.memory])
        lake.connection.execute("BEGIN")  # one snapshot throughout: a run may be landing shards
        try:
            drawn = _choose(lake, settings, mix)
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            result = _write(lake, settings, mix, drawn, target, partial)
            _replace(target, partial)
        except (OSError, duckdb.IOException) as exc:
            raise LakeError(f"can't write {target}: {first_line(exc)}") from exc
        except duckdb.Error as exc:
            if settings.query is not None:
                raise _refused(settings, exc) from exc
            raise ConfigError(f"publish.layout: {first_line(exc)}") from exc
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return result


def _write(
    lake: Lake,
    settings: ExportSettings,
    mix: MixSettings | None,
    drawn: Draw | None,
    target: Path,
    partial: Path,
) -> Export:
    """All files of an export, into the folder that is to become it."""
    files, left_out = write_data(lake, settings, partial / "data"), 0
    if settings.tokens is not None and files:
        plain = (partial / "data").rename(partial / "plain")
        files, left_out = tokenize_files(
            [plain / file.name for file in files], partial / "data", settings
        )
        shutil.rmtree(plain)
    if not files:
        raise _nothing(lake, settings, mix)
    data = lake.connection.read_parquet([str(file) for file in files])
    if settings.jsonl:
        write_jsonl(data, partial / "jsonl")
    if settings.webdataset:
        write_webdataset(files, partial / "webdataset")
    hashes = {f"data/{file.name}": _sha256(file) for file in files}
    result = Export(
        folder=target,
        rows=int(data.count("*").fetchall()[0][0]),
        columns=tuple(data.columns),
        snapshot=lake.snapshot(),
        content_hash=content_hash("export", list(hashes.values())),
        left_out=left_out,
        mix=drawn,
    )
    if mix is not None:
        asked = {
            **mix.model_dump(mode="json", exclude_defaults=True),
            "where": required(mix),
            "publish": {
                **settings.model_dump(mode="json", exclude_defaults=True),
                "layout": settings.layout.model_dump(mode="json"),
            },
        }
        (partial / MIX).write_text(yaml.safe_dump(asked, sort_keys=False, allow_unicode=True))
        _write_draw(lake, partial / DRAW)
    write_card(data, partial, settings, result, mix, _make_up(lake, settings, data))
    (partial / MARKER).write_bytes(_record(settings, mix, result, hashes))
    return result


def _choose(lake: Lake, settings: ExportSettings, mix: MixSettings | None) -> Draw | None:
    """Fill the table `chosen`; nothing to choose where a whole query is published."""
    if mix is not None:
        drawn = draw_for(lake, mix, settings)
        require(drawn)
        return drawn
    if settings.query is not None:
        return None
    text = (SQL / "choose.sql").read_text().replace("{where}", f"(\n{settings.where}\n)")
    for view in _VIEWS:
        try:
            lake.connection.execute(text.replace("{view}", view))
            break
        except duckdb.IOException:
            raise
        except duckdb.Error as exc:
            if view == _VIEWS[-1] or not isinstance(exc, duckdb.BinderException):
                raise _refused(settings, exc) from exc
    return None


def _replace(target: Path, partial: Path) -> None:
    """Put the new folder in place by renames: a kill leaves the old one, the new one or none."""
    old = target.with_name(f"{target.name}.replaced.partial")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def require_free(target: Path) -> None:
    """Raise `ConfigError` where the folder is something that an export must not replace."""
    taken = target.is_dir() and any(target.iterdir()) and not (target / MARKER).is_file()
    if taken or target.is_file() or not target.name:
        raise ConfigError(
            f"publish.folder: {target} holds something that is no export: choose another folder"
        )


def _asked(settings: ExportSettings, mix: MixSettings | None = None) -> str:
    if mix is not None:
        return f"layout {settings.layout.kind}"
    return settings.where if settings.query is None else settings.query


def _nothing(lake: Lake, settings: ExportSettings, mix: MixSettings | None) -> ConfigError:
    chosen = 0
    if settings.query is None:
        chosen = int(lake.one("SELECT count(*) FROM chosen"))
    if not chosen:
        return ConfigError(f"publish: nothing in the lake fits {_asked(settings, mix)!r}")
    packed = "" if settings.tokens is None else ", or all are longer than `tokens.pack`"
    return ConfigError(
        f"publish.layout: none of {chosen:,} chosen traces gives a row of the layout "
        f"{settings.layout.kind}{packed}"
    )


def _refused(settings: ExportSettings, exc: duckdb.Error) -> ConfigError:
    return ConfigError(f"publish: DuckDB refuses {_asked(settings)!r}: {first_line(exc)}")


def _write_draw(lake: Lake, file: Path) -> None:
    """Which traces were drawn, in their order: what a larger draw can be compared with."""
    chosen = lake.connection.sql("SELECT * EXCLUDE (price) FROM chosen ORDER BY position")
    chosen.write_parquet(str(file), compression="zstd")


def _make_up(
    lake: Lake, settings: ExportSettings, data: duckdb.DuckDBPyRelation
) -> list[tuple[Any, ...]] | None:
    """Rows by source, domain, recipe and teacher, where the published rows don't say it."""
    if settings.query is not None or {"source", "teacher"} <= set(data.columns):
        return None
    return lake.rows(
        "SELECT i.source, i.domain, t.provenance.recipe, t.provenance.teacher, count(*), "
        "sum(t.provenance.completion_tokens)::BIGINT FROM chosen JOIN traces AS t USING (trace_id) "
        "JOIN items AS i USING (item_id) GROUP BY ALL ORDER BY ALL"
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _record(
    settings: ExportSettings, mix: MixSettings | None, result: Export, hashes: dict[str, str]
) -> bytes:
    record: dict[str, Any] = {
        "settings": settings.model_dump(mode="json"),
        "snapshot": result.snapshot,
        "rows": result.rows,
        "left_out": result.left_out,
        "content_hash": result.content_hash,
        "sha256": hashes,
    }
    if mix is not None and result.mix is not None:
        record["mix"] = mix.model_dump(mode="json")
        record["tokens"] = result.mix.tokens
        record["draw_hash"] = result.mix.draw_hash
    return orjson.dumps(record, option=orjson.OPT_INDENT_2)

"""Publishing: a SQL selection as a folder that `datasets.load_dataset` takes, with its card.

The folder appears complete or not at all; what an interrupted export leaves ends in `.partial`.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from schemas.errors import ConfigError, LakeError
from schemas.settings import ExportSettings, LakeSettings
from warehouse.card import write_card
from warehouse.extensions import first_line, quoted
from warehouse.lake import SQL, Lake

MARKER = "thoughtmill.json"
_FILE_BYTES = "256MB"


@dataclass(frozen=True)
class Export:
    """What was published."""

    folder: Path
    rows: int
    columns: tuple[str, ...]
    snapshot: int


def export(lake_settings: LakeSettings, settings: ExportSettings) -> Export:
    """Write the dataset folder and return what is in it.

    Raises `ConfigError` for a selection DuckDB refuses, one without rows, or a folder that holds
    something else; `LakeError` where the disk refuses.
    """
    target = Path(settings.folder)
    _require_free(target)
    partial = target.with_name(target.name + ".partial")
    with Lake.open(lake_settings, snapshot=settings.snapshot) as lake:
        lake.connection.execute("BEGIN")  # one snapshot throughout: a run may be landing shards
        selection = _selection(lake, settings)
        try:
            shutil.rmtree(partial, ignore_errors=True)
            (partial / "data").mkdir(parents=True)
            selection.write_parquet(
                str(partial / "data"),
                file_size_bytes=_FILE_BYTES,
                filename_pattern="train-{i}",
                compression="zstd",
                overwrite=True,
            )
            files = sorted(str(file) for file in (partial / "data").iterdir())
            data = lake.connection.read_parquet(files)
            result = Export(
                folder=target,
                rows=int(data.count("*").fetchall()[0][0]),
                columns=tuple(data.columns),
                snapshot=lake.snapshot(),
            )
            if not result.rows:
                raise ConfigError(f"publish: nothing in the lake fits {_asked(settings)!r}")
            if settings.jsonl:
                _write_jsonl(data, partial)
            write_card(data, partial, settings, snapshot=result.snapshot)
            (partial / MARKER).write_bytes(_record(settings, result))
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
        except (OSError, duckdb.IOException) as exc:
            raise LakeError(f"can't write {target}: {first_line(exc)}") from exc
        except duckdb.Error as exc:
            raise _refused(settings, exc) from exc
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return result


def _require_free(target: Path) -> None:
    """Raise `ConfigError` where the folder is something that an export must not replace."""
    taken = target.is_dir() and any(target.iterdir()) and not (target / MARKER).is_file()
    if taken or target.is_file() or not target.name:
        raise ConfigError(
            f"publish.folder: {target} holds something that is no export: choose another folder"
        )


def _asked(settings: ExportSettings) -> str:
    return settings.where if settings.query is None else settings.query


def _refused(settings: ExportSettings, exc: duckdb.Error) -> ConfigError:
    return ConfigError(f"publish: DuckDB refuses {_asked(settings)!r}: {first_line(exc)}")


def _selection(lake: Lake, settings: ExportSettings) -> duckdb.DuckDBPyRelation:
    try:
        if settings.query is not None:
            selection = lake.connection.sql(settings.query)
            if selection is None:
                raise ConfigError(f"publish.query: {settings.query!r} gives no rows: SELECT some")
            return selection
        text = (SQL / "export_text.sql").read_text().replace("{where}", settings.where)
        bound = settings.model_dump(include={"document", "separator", "open_tag", "close_tag"})
        return lake.connection.sql(text, params=bound)
    except duckdb.Error as exc:
        raise _refused(settings, exc) from exc


def _write_jsonl(data: duckdb.DuckDBPyRelation, folder: Path) -> None:
    (folder / "jsonl").mkdir()
    target = quoted(str(folder / "jsonl" / "train.jsonl"))
    data.query("data", f"COPY (FROM data) TO '{target}' (FORMAT json)")


def _record(settings: ExportSettings, result: Export) -> bytes:
    record: dict[str, Any] = {
        "settings": settings.model_dump(mode="json"),
        "snapshot": result.snapshot,
        "rows": result.rows,
    }
    return orjson.dumps(record, option=orjson.OPT_INDENT_2)

"""The dataset card: size, fields, make-up, provenance, licence notes and how to draw it again."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any

import duckdb

from schemas.rows import Item, Trace
from schemas.settings import ExportSettings

_FIELDS = {
    "text": "Training text: document, separator, thought between its tags.",
    "thinking": "The thought alone, without tags.",
    "kind": str(Item.model_fields["kind"].description),
    "recipe": "Kind of the recipe that made the trace.",
    "teacher": "Name of the model that wrote the thought.",
    "thinking_tokens": "Length of the thought in the teacher's tokens.",
}


def write_card(
    data: duckdb.DuckDBPyRelation, folder: Path, settings: ExportSettings, *, snapshot: int
) -> None:
    """Write `README.md`; its head tells `load_dataset` which files make up the split.

    `data` is what has been written to `folder`, drawn at the lake's `snapshot`.
    """
    ((count,),) = data.count("*").fetchall()
    parts = [
        "---",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/*.parquet",
        "tags:",
        "- synthetic",
        "- reasoning",
        "---",
        "",
        f"# {Path(settings.folder).name}",
        "",
        f"{count:,} rows drawn from a Thoughtmill lake at snapshot {snapshot}.",
        "",
        "## Fields",
        "",
        _table(["field", "what it is"], [[name, _describe(name)] for name in data.columns]),
        "",
    ]
    groups = [c for c in ("source", "domain", "recipe", "teacher") if c in data.columns]
    if groups:
        tokens = "sum(thinking_tokens)::BIGINT" if "thinking_tokens" in data.columns else "NULL"
        rows = data.query(
            "data",
            f"SELECT {', '.join(groups)}, count(*), {tokens} FROM data GROUP BY ALL ORDER BY ALL",
        ).fetchall()
        parts += ["## Make-up", "", _table([*groups, "rows", "thinking tokens"], rows), ""]
    asked = settings.where if settings.query is None else settings.query
    parts += [
        "## Provenance and licence",
        "",
        "The thoughts are written by the teacher models named above about the sources named above:",
        "both their licences apply to what you do with this data.",
        "",
        "## Draw it again",
        "",
        f"Snapshot {snapshot} of the lake, selection `{asked}`; all settings are in",
        "`thoughtmill.json`:",
        "",
        "```",
        f"thoughtmill export {quote(settings.folder)} --snapshot {snapshot} "
        + (f"--where {quote(asked)}" if settings.query is None else f"--query {quote(asked)}"),
        "```",
        "",
    ]
    (folder / "README.md").write_text("\n".join(parts))


def _describe(name: str) -> str:
    if name in _FIELDS:
        return _FIELDS[name]
    for model in (Trace, Item):
        if name in model.model_fields and model.model_fields[name].description:
            return str(model.model_fields[name].description)
    return ""


def _table(head: list[str], rows: list[Any]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join("" if cell is None else _cell(str(cell)) for cell in line) + " |"
        for line in lines
    )


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())

"""The dataset card: size, fields, make-up, provenance, licence notes and how to draw it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import duckdb
import orjson

from thoughtmill.schemas.mixes import MixSettings
from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.export.tokens import FIELDS as TOKEN_FIELDS
from thoughtmill.warehouse.mix.mix import Draw

if TYPE_CHECKING:
    from thoughtmill.warehouse.export.export import Export

_FIELDS = {
    "kind": str(Item.model_fields["kind"].description),
    "recipe": "Kind of the recipe that made the trace.",
    "teacher": "Name of the model that wrote the thought.",
    "thinking_tokens": "Length of the thought in the teacher's tokens.",
    **TOKEN_FIELDS,
}
_GROUPS = ("source", "domain", "recipe", "teacher")
_MIB = 1 << 20


def write_card(
    data: duckdb.DuckDBPyRelation,
    folder: Path,
    settings: ExportSettings,
    result: Export,
    mix: MixSettings | None = None,
    make_up: Sequence[Sequence[Any]] | None = None,
) -> None:
    """Write `README.md`; its head tells `load_dataset` which files make up the split.

    `data` is what has been written to `folder`; `make_up` says where its rows come from, in the
    columns of `_GROUPS`, rows and completion tokens, where they don't say it themselves.
    """
    megabytes = sum(file.stat().st_size for file in (folder / "data").iterdir()) / _MIB
    parts = [
        "---",
        "configs:",
        "- config_name: default",
        # `datasets` looks a local folder up in its cache by these lines alone (5.2): without the
        # hash it would go on loading what was exported here before.
        f"  description: content {result.content_hash}",
        "  data_files:",
        "  - split: train",
        "    path: data/*.parquet",
        f"size_categories:\n- {_size(result.rows)}",
        "tags:",
        "- synthetic",
        "- reasoning",
        "---",
        "",
        f"# {Path(settings.folder).name}",
        "",
        f"{result.rows:,} rows drawn from a Thoughtmill lake at snapshot {result.snapshot}.",
        "",
        f"{megabytes:,.1f} MiB of Parquet in `data/`, read by `datasets.load_dataset`"
        + ("; the same rows as JSON lines in `jsonl/`" if settings.jsonl else "")
        + ("; as WebDataset shards in `webdataset/`" if settings.webdataset else "")
        + ".",
        "",
        "## Fields",
        "",
        _table(["field", "what it is"], [[n, _describe(n, settings)] for n in data.columns]),
        "",
    ]
    if settings.tokens is not None:
        parts += [_tokens(settings, result), ""]
    if mix is not None and result.mix is not None:
        parts += ["## Mix", "", *_mix(mix, result.mix)]
    groups = [name for name in _GROUPS if name in data.columns]
    if make_up is not None:
        head = [*_GROUPS, "traces", "completion tokens"]
        parts += ["## Make-up", "", _table(head, [list(row) for row in make_up]), ""]
    elif groups:
        tokens = "sum(thinking_tokens)::BIGINT" if "thinking_tokens" in data.columns else "NULL"
        rows = data.query(
            "data",
            f"SELECT {', '.join(groups)}, count(*), {tokens} FROM data GROUP BY ALL ORDER BY ALL",
        ).fetchall()
        parts += ["## Make-up", "", _table([*groups, "rows", "thinking tokens"], rows), ""]
    parts += [
        "## Provenance and licence",
        "",
        "The thoughts are written by the teacher models named above about the sources named above:",
        "both their licences apply to what you do with this data.",
        "",
        "## Draw it again",
        "",
        *_again(settings, result, mix),
        "",
    ]
    (folder / "README.md").write_text("\n".join(parts))


def _mix(mix: MixSettings, drawn: Draw) -> list[str]:
    unit = mix.counted
    rows = [
        [
            part.name,
            f"{part.share:.3f}",
            f"{part.rows_there:,}",
            f"{part.rows:,}",
            f"{part.tokens:,}",
            f"{part.tokens / part.tokens_there:.2f}" if part.tokens_there else "",
            f"`{component.where}`",
        ]
        for part, component in zip(drawn.parts, mix.components, strict=True)
    ]
    head = ["component", "share", "rows there", "rows drawn", unit, "epochs", "where"]
    return [
        f"{drawn.tokens:,} of {drawn.budget:,} {unit}, stage {mix.stage}, seed {mix.seed}.",
        "",
        _table(head, rows),
        "",
    ]


def _tokens(settings: ExportSettings, result: Export) -> str:
    asked = settings.tokens
    assert asked is not None
    text = f"Tokens are those of the tokenizer `{asked.tokenizer}`"
    if asked.pack is None:
        return f"{text}."
    long = (
        f"{result.left_out:,} longer rows were left out"
        if asked.long == "drop"
        else "longer rows are cut"
    )
    return f"{text}; rows are packed into sequences of at most {asked.pack:,}, {long}."


def _again(settings: ExportSettings, result: Export, mix: MixSettings | None) -> list[str]:
    at = f"--snapshot {result.snapshot}"
    if mix is not None:
        told = (
            f"Snapshot {result.snapshot} of the lake and the settings in `mix.yaml`; `draw.parquet`"
            " names the traces in their order:"
        )
        command = f"thoughtmill mix mix.yaml {at} --lake LAKE --out {quote(settings.folder)}"
    else:
        asked = settings.where if settings.query is None else settings.query
        told = (
            f"Snapshot {result.snapshot} of the lake, selection `{asked}`; all settings are in "
            "`thoughtmill.json`:"
        )
        command = f"thoughtmill export {quote(settings.folder)} {at} " + (
            f"--where {quote(asked)}" if settings.query is None else f"--query {quote(asked)}"
        )
        layout = settings.layout.model_dump(mode="json", exclude_defaults=True)
        layout["kind"] = settings.layout.kind
        if settings.query is None and layout != {"kind": "text"}:
            told_layout = orjson.dumps(layout).decode() if len(layout) > 1 else layout["kind"]
            command += f" --layout {quote(told_layout)}"
        if settings.columns is not None:
            command += f" --columns {quote(','.join(settings.columns))}"
        if settings.tokens is not None:
            counted = settings.tokens.model_dump(mode="json", exclude_defaults=True)
            command += f" --tokens {quote(orjson.dumps(counted).decode())}"
        command += " --lake LAKE"
    return [told, "", "```", command, "```", "", f"Content hash `{result.content_hash}`."]


def _size(rows: int) -> str:
    """Hugging Face's size category."""
    names = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")
    for power, name in enumerate(names, start=3):
        if rows < 10**power:
            return name
    return "n>100M"


def _describe(name: str, settings: ExportSettings) -> str:
    if settings.query is None and name in settings.layout.fields:
        return settings.layout.fields[name]
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

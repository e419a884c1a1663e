"""`thoughtmill mix`: a mix config read, drawn dry or published, and printed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from thoughtmill.flows.config import override, read_yaml
from thoughtmill.flows.explain import explain
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.mix.config import MixConfig
from thoughtmill.warehouse.mix.measure import draw_for
from thoughtmill.warehouse.mix.mix import Draw, require

_WIDTH = 116
"""Columns that the table of a draw needs."""


def load_mix(
    path: Path,
    overrides: Iterable[str] = (),
    *,
    lake: str | None = None,
    folder: str | None = None,
    snapshot: int | None = None,
) -> MixConfig:
    """Read a mix config and apply what the command says.

    Raises `ConfigError` with the file, the path of the bad key and what to change.
    """
    values = read_yaml(path)
    for text in overrides:
        override(values, text)
    if lake is not None:
        values["lake"] = lake
    publish = values.get("publish", {})
    if isinstance(publish, dict):
        more = {"folder": folder, "snapshot": snapshot}
        given = {key: value for key, value in more.items() if value is not None}
        values["publish"] = {"folder": f"out/{path.stem}", **publish, **given}
    try:
        return MixConfig.model_validate(values)
    except ValidationError as exc:
        raise ConfigError(f"{path}: {explain(exc, values)}") from exc


def dry(config: MixConfig) -> None:
    """Print what a mix would take, writing nothing.

    Raises `ConfigError`, after the table, where the mix can't be as it is asked for.
    """
    with Lake.open(config.lake, snapshot=config.publish.snapshot) as lake:
        lake.connection.execute("SET memory_limit = ?", [config.publish.memory])
        lake.connection.execute("BEGIN")  # one snapshot throughout, as an export has it
        drawn = draw_for(lake, config.drawing, config.publish)
    print_draw(config, drawn)
    require(drawn)


def print_draw(config: MixConfig, drawn: Draw | None) -> None:
    """The table of what a mix takes, what falls short, and its price."""
    if drawn is None:
        return
    unit = config.counted
    table = Table(title=f"mix {config.name} at snapshot {drawn.snapshot}", title_justify="left")
    table.add_column("component", style="bold")
    columns = ("there", f"{unit} there", f"{unit} wanted", "rows", unit, "epochs", "short", "price")
    for name in columns:
        table.add_column(name, justify="right")
    for part in drawn.parts:
        table.add_row(
            part.name,
            *(f"{n:,}" for n in (part.rows_there, part.tokens_there, part.wanted, part.rows)),
            f"{part.tokens:,}",
            f"{part.tokens / part.tokens_there:.2f}" if part.tokens_there else "-",
            f"{part.missing:,}" if part.missing else "",
            f"{part.written:,}",
        )
    console = Console(width=max(Console().width, 120), markup=False)
    console.print(table, width=max(console.width, _WIDTH), crop=False)
    price = sum(part.written for part in drawn.parts)
    console.print(
        f"{drawn.rows:,} rows, {drawn.tokens:,} of {drawn.budget:,} {unit}; price: {price:,} "
        "tokens written by teachers for the different rows taken",
        soft_wrap=True,
    )

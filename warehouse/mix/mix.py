"""Drawing a mix: a reproducible selection of eligible traces by weights and a budget.

The rows come to lie in the temporary table `chosen` (position, trace_id, component, epoch, tokens,
price), which layouts read; nothing is written to the lake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.mixes import MixSettings
from thoughtmill.warehouse.lake import SQL, Lake
from thoughtmill.warehouse.mix.order import Claim, Queue, interleave, queue_up
from thoughtmill.warehouse.mix.pool import explain_empty, fill_pool, read_pool

Measure = Callable[[Sequence[Queue], Sequence[Claim], int], tuple[list[Queue], list[bool]]]
"""Counts queues anew, as far as a budget reaches; says which are there to their end."""


@dataclass(frozen=True)
class Holding:
    """What a component has; `tokens` is the teacher's count where not all is counted anew."""

    rows: int
    tokens: int
    largest: int
    counted: bool = True


@dataclass(frozen=True)
class Part:
    """What a component holds and what is taken of it; tokens are rows where the mix counts rows."""

    name: str
    share: float
    """Of the budget, from 0 to 1."""
    rows_there: int
    tokens_there: int
    epochs: float
    """Most times a row may come up."""
    wanted: int
    """Tokens that its share of the budget asks for."""
    rows: int
    """Rows taken, repeats counted."""
    tokens: int
    distinct: int
    """Different rows among them."""
    missing: int
    """Tokens that it can't give even with its repeats."""
    written: int
    """Tokens that teachers wrote for the different rows taken."""


@dataclass(frozen=True)
class Draw:
    """A mix as it was drawn."""

    parts: tuple[Part, ...]
    snapshot: int
    budget: int
    draw_hash: str
    """Hash of every row's position, component and trace: equal draws have equal hashes."""
    problems: tuple[str, ...]
    """Why the mix can't be as it was asked for; nothing where it can."""

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def tokens(self) -> int:
        return sum(part.tokens for part in self.parts)


def draw(lake: Lake, settings: MixSettings, measure: Measure | None = None) -> Draw:
    """Draw a mix into `chosen`, feasible or not: `require` says whether it may be used.

    `measure` counts sizes anew; without it they are those of the settings.  Raises `ConfigError`
    for an expression that DuckDB refuses.
    """
    fill_pool(lake, settings)
    pool = read_pool(lake)
    queues = [queue_up(pool, number) for number in range(len(settings.components))]
    del pool
    claims = [Claim(settings.share(c), settings.repeats(c)) for c in settings.components]
    holdings = [Holding(queue.rows.height, queue.total, queue.largest) for queue in queues]
    if measure is not None:
        queues, whole = measure(queues, claims, settings.total)
        holdings = [
            Holding(there.rows, queue.total if ended else there.tokens, queue.largest, ended)
            for there, queue, ended in zip(holdings, queues, whole, strict=True)
        ]
        claims = [c if w else Claim(c.share, 1.0) for c, w in zip(claims, whole, strict=True)]
    drawn = interleave(queues, claims, settings.total)
    lake.connection.register("mix_drawn", drawn.to_arrow())
    lake.connection.execute((SQL / "mix_chosen.sql").read_text())
    lake.connection.unregister("mix_drawn")
    taken = lake.rows((SQL / "mix_taken.sql").read_text())
    parts = _parts(settings, holdings, drawn, {number: price for number, price, *_ in taken})
    lower, upper = (str(sum(row[at] for row in taken)) for at in (2, 3))
    return Draw(
        parts=parts,
        snapshot=lake.snapshot(),
        budget=settings.total,
        draw_hash=content_hash("draw", drawn.height, lower, upper),
        problems=_problems(lake, settings, parts, holdings),
    )


def require(drawn: Draw) -> None:
    """Raise `ConfigError` where a mix can't be as it was asked for."""
    if drawn.problems:
        raise ConfigError("; ".join(drawn.problems))


def _parts(
    settings: MixSettings,
    holdings: Sequence[Holding],
    drawn: pl.DataFrame,
    written: Mapping[int, int],
) -> tuple[Part, ...]:
    taken = {
        number: figures
        for number, *figures in drawn.group_by("component")
        .agg(pl.len(), pl.col("size").sum(), pl.col("row").n_unique())
        .rows()
    }
    parts = []
    for number, (component, there) in enumerate(zip(settings.components, holdings, strict=True)):
        rows, tokens, distinct = taken.get(number, (0, 0, 0))
        wanted = round(settings.share(component) * settings.total)
        capacity = int(there.tokens * settings.repeats(component))
        parts.append(
            Part(
                name=component.name,
                share=settings.share(component),
                rows_there=there.rows,
                tokens_there=there.tokens,
                epochs=settings.repeats(component),
                wanted=wanted,
                rows=rows,
                tokens=tokens,
                distinct=distinct,
                missing=max(0, wanted - capacity) if there.counted else 0,
                written=written.get(number, 0),
            )
        )
    return tuple(parts)


def _problems(
    lake: Lake, settings: MixSettings, parts: Sequence[Part], holdings: Sequence[Holding]
) -> tuple[str, ...]:
    empty = [
        explain_empty(lake, settings, component)
        for component, there in zip(settings.components, holdings, strict=True)
        if not there.rows
    ]
    if empty:
        return tuple(empty)
    unit, largest = settings.counted, max(1, *(there.largest for there in holdings))
    short = [p for p, h in zip(parts, holdings, strict=True) if p.missing >= max(1, h.largest)]
    if settings.shortfall == "error" and short:
        feasible = min(int(p.tokens_there * p.epochs / p.share) for p in short)
        return (*(_short(part, unit) for part in short), _advice(feasible, unit))
    there = sum(int(part.tokens_there * part.epochs) for part in parts)
    if all(h.counted for h in holdings) and there <= settings.total - largest:
        return (
            f"budget: {settings.total:,} {unit} are asked for and all components together give "
            f"{there:,} with their repeats: lower it, or raise `epochs`",
        )
    if not sum(part.rows for part in parts):
        return (f"budget: {settings.total:,} {unit} are less than the first row: raise it",)
    return ()


def _short(part: Part, unit: str) -> str:
    return (
        f"components.{part.name} falls short: {part.rows_there:,} rows of {part.tokens_there:,} "
        f"{unit}, at most {part.epochs:g} times each, are {part.missing:,} less than its share of "
        f"{part.wanted:,}"
    )


def _advice(feasible: int, unit: str) -> str:
    return (
        f"lower `budget` to {feasible:,} {unit}, raise `epochs`, change weights, "
        "or let the others fill up with `shortfall: fill`"
    )

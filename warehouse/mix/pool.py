"""The pool of a mix: every row that some component may take, as the temporary table `mix_pool`.

It owns the way from predicates to rows: which component a row belongs to, its place in the
component's order, and caps.  What is taken of it is decided in `mix_order`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import duckdb
import polars as pl

from thoughtmill.schemas.errors import ConfigError, LakeError
from thoughtmill.schemas.mixes import Component, MixSettings
from thoughtmill.warehouse.extensions import first_line, quoted
from thoughtmill.warehouse.lake import SQL, Lake

_SHOWN = 5
"""Values named in an error about an empty component."""


def fill_pool(lake: Lake, settings: MixSettings) -> None:
    """Make the table `mix_pool`.  Raises `ConfigError` for an expression that DuckDB refuses."""
    # `candidates` spares the joins with verdicts and scores, which cost more than all the rest.
    for view in ("candidates", "samples"):
        try:
            _create(lake, _pool_sql(settings, view), {"seed": f"{settings.seed}:"})
            break
        except duckdb.BinderException as exc:
            if view == "samples":
                raise _blame(lake, settings, exc) from exc
        except duckdb.IOException as exc:
            raise LakeError(f"can't read the lake: {first_line(exc)}") from exc
        except duckdb.Error as exc:
            raise _blame(lake, settings, exc) from exc
    halving = [str(n) for n, c in enumerate(settings.components) if c.order == "halving"]
    if halving:
        _create(lake, _sql("mix_halving").replace("{halving}", f"({', '.join(halving)})"))
    for number in range(_columns(settings)):
        text = _sql("mix_cap").replace("{cap}", f"cap_{number}")
        _create(lake, text.replace("{limits}", _limits(settings, number)))


def read_pool(lake: Lake) -> pl.DataFrame:
    """The pool in the columns that `mix_order` works on."""
    return lake.connection.sql(
        'SELECT rowid AS "row", component, size, lot, tie, merit FROM mix_pool'
    ).pl()


def explain_empty(lake: Lake, settings: MixSettings, component: Component) -> str:
    """Why no row belongs to a component, in one line that says what is there."""
    both, own = required(settings), component.where
    eligible, meeting, fitting, fits = lake.rows(
        f"SELECT count(*), count(*) FILTER (\n{both}\n), count(*) FILTER (\n{own}\n), "
        f"count(*) FILTER ((\n{both}\n) AND (\n{own}\n)) FROM samples"
    )[0]
    there = lake.rows(
        "SELECT coalesce(domain, '(none)'), count(*) FROM samples GROUP BY ALL ORDER BY 2 DESC, 1 "
        f"LIMIT {_SHOWN}"
    )
    if fits:
        why = f"{fits:,} rows fit it, but earlier components take them or their size is nothing"
    else:
        why = (
            f"of {eligible:,} eligible traces {meeting:,} meet the mix's `{both}`, {fitting:,} fit "
            f"its own `{own}`, none both"
        )
    domains = ", ".join(f"{name} {count:,}" for name, count in there) or "none"
    return f"components.{component.name} is empty: {why} (domains there: {domains})"


def required(settings: MixSettings) -> str:
    """The predicate that every row of the mix meets."""
    return settings.defaults.where if settings.where is None else settings.where


def _pool_sql(settings: MixSettings, view: str) -> str:
    parts = {
        "{view}": view,
        "{where}": f"(\n{required(settings)}\n)",
        "{size}": f"\n{size(settings)}\n",
        "{component}": " ".join(
            f"WHEN (\n{part.where}\n) THEN {n}::USMALLINT"
            for n, part in enumerate(settings.components)
        ),
        "{columns}": ",\n".join(_computed(settings)),
    }
    text = _sql("mix_pool")
    for name, value in parts.items():
        text = text.replace(name, value)
    return text


def size(settings: MixSettings) -> str:
    """SQL of what a row counts for."""
    return "1" if settings.counted == "rows" else settings.size or "tokens"


def _computed(settings: MixSettings) -> Iterator[str]:
    """The columns that put rows in order and the columns that caps count by."""
    ordered = {n: _by(part) for n, part in enumerate(settings.components) if part.order != "random"}
    yield f"{_case(ordered, 'DOUBLE')} AS merit"
    sides = {n: p.within for n, p in enumerate(settings.components) if p.order == "halving"}
    yield f"{_case(sides, 'VARCHAR')} AS side"
    for number in range(_columns(settings)):
        by = {
            n: settings.limits(part)[number].by
            for n, part in enumerate(settings.components)
            if number < len(settings.limits(part))
        }
        yield f"{_case(by, 'VARCHAR')} AS cap_{number}"


def _by(component: Component) -> str:
    return component.by or "thinking_tokens"


def _case(by_component: dict[int, str], kind: str) -> str:
    if not by_component:
        return f"NULL::{kind}"
    cases = " ".join(f"WHEN {n} THEN (\n{sql}\n)::{kind}" for n, sql in by_component.items())
    return f"CASE component {cases} END"


def _columns(settings: MixSettings) -> int:
    """How many caps the component with the most caps has."""
    return max(len(settings.limits(part)) for part in settings.components)


def _limits(settings: MixSettings, number: int) -> str:
    cases = []
    for n, part in enumerate(settings.components):
        for cap in settings.limits(part)[number : number + 1]:
            count = "row_number()" if cap.rows is not None else "sum(size)"
            cases.append(
                f"WHEN component = {n} THEN {count} OVER shared <= {cap.rows or cap.tokens}"
            )
    return " ".join(cases)


def _create(lake: Lake, query: str, bound: dict[str, str] | None = None) -> None:
    lake.connection.execute(f"CREATE OR REPLACE TEMP TABLE mix_next AS {query}", bound or {})
    lake.connection.execute("DROP TABLE IF EXISTS temp.mix_pool")
    lake.connection.execute("ALTER TABLE temp.mix_next RENAME TO mix_pool")


def _expressions(settings: MixSettings) -> Iterator[tuple[str, str]]:
    """Every SQL text of a mix with its place in the settings."""
    if settings.where is not None:
        yield "where", settings.where
    if settings.size is not None:
        yield "size", settings.size
    for part in settings.components:
        place = f"components.{part.name}"
        yield f"{place}.where", part.where
        if part.by is not None:
            yield f"{place}.by", part.by
        if part.order == "halving":
            yield f"{place}.within", part.within
        for cap in part.caps or ():
            yield f"{place}.caps", cap.by


def _blame(lake: Lake, settings: MixSettings, error: duckdb.Error) -> ConfigError:
    """The error of the first expression that DuckDB refuses by itself."""
    with suppress(duckdb.TransactionException):
        lake.connection.execute("ROLLBACK")  # an error while running has ended the transaction
    for place, sql in _expressions(settings):
        try:
            lake.connection.execute(f"EXPLAIN SELECT (\n{sql}\n) FROM samples")
        except duckdb.Error as exc:
            return ConfigError(f"{place}: DuckDB refuses {sql!r}: {first_line(exc)}")
    return ConfigError(
        f"the mix's SQL fails: {quoted(first_line(error))} (`thoughtmill maintain` renews a lake's "
        "views, where they are older than this release)"
    )


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text()

"""What counts as a pass and which verifiers speak of answers: the lake's small config tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
from pydantic import Field

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.errors import LakeError
from thoughtmill.warehouse.extensions import first_line
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.lock import writer_lock

_COLUMNS = (
    "category, position, domains, scale, pass_score, cv_limit, hard_below, easy_above, open_ended"
)
_NEW: tuple[object, ...] = (100, [], 1.0, 0.99, 0.25, 0.3, 0.7, False)
"""What a category starts from that the lake does not know."""


class Category(Frozen):
    """Thresholds of one category; what is null stays as it is in the lake."""

    position: int | None = None
    """Of two categories whose patterns fit a domain, the lower position has it."""
    domains: tuple[str, ...] | None = None
    """Patterns (GLOB, lower case) of the domains that belong to it."""
    scale: float | None = Field(default=None, gt=0)
    """What a grade of 1 is worth: 5 where thresholds are on a scale from 0 to 5."""
    pass_score: float | None = None
    """A response passes with a score above this."""
    cv_limit: float | None = Field(default=None, ge=0)
    """Sigma over mu of an item's scores above which its passing responses are selected."""
    hard_below: float | None = Field(default=None, ge=0, le=1)
    """Items of a lower pass rate are hard."""
    easy_above: float | None = Field(default=None, ge=0, le=1)
    """Items of a higher pass rate are easy."""
    open_ended: bool | None = None
    """Whether half of the responses to an item of low cv is kept."""


def set_categories(lake: Lake, categories: Mapping[str, Category]) -> None:
    """Make the lake's thresholds these; nothing is written where they are so already."""
    known = {name: tuple(rest) for name, *rest in lake.rows(f"SELECT {_COLUMNS} FROM categories")}
    changed = {
        name: wanted
        for name, category in categories.items()
        if (wanted := _merged(category, known.get(name, _NEW))) != known.get(name)
    }
    for name, values in changed.items():
        _write(
            lake,
            [
                ("DELETE FROM categories WHERE category = ?", [name]),
                (f"INSERT INTO categories VALUES (?{', ?' * len(_NEW)})", [name, *values]),
            ],
        )


def add_tiers(lake: Lake, tiers: Mapping[str, tuple[int, bool]]) -> None:
    """Let verifiers speak of answers that the lake does not know: rank and `graded` by kind."""
    known = {kind for (kind,) in lake.rows("SELECT kind FROM tiers")}
    for kind, (rank, graded) in tiers.items():
        if kind not in known:
            _write(lake, [("INSERT INTO tiers VALUES (?, ?, ?)", [kind, rank, graded])])


def _merged(category: Category, before: tuple[Any, ...]) -> tuple[Any, ...]:
    given = category.model_dump()
    names = _COLUMNS.split(", ")[1:]
    after = [
        was if given[name] is None else given[name] for name, was in zip(names, before, strict=True)
    ]
    return tuple(list(value) if isinstance(value, tuple) else value for value in after)


def _write(lake: Lake, statements: list[tuple[str, list[Any]]]) -> None:
    try:
        with writer_lock(lake.settings):
            lake.connection.execute("BEGIN")
            try:
                for sql, parameters in statements:
                    lake.connection.execute(sql, parameters)
                lake.connection.execute("COMMIT")
            except BaseException:
                lake.connection.execute("ROLLBACK")
                raise
    except duckdb.Error as exc:
        raise LakeError(f"can't write the lake's categories: {first_line(exc)}") from exc

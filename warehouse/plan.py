"""Planning: which draws are still to be done, as Parquet files that the workers read.

The plan is an anti-join of wanted `(item, draw)` pairs against committed traces and drops, so
nothing is kept between attempts: worker counts, batch sizes and file sizes may all change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb

from thoughtmill.schemas.errors import ConfigError, LakeError
from thoughtmill.warehouse.commit import newest_entry
from thoughtmill.warehouse.extensions import first_line, quoted
from thoughtmill.warehouse.lake import SQL, Lake

PLANS = "plans"
"""Folder of the plans below the lake's data path."""
_FILE_BYTES = "16MB"
_GROUP_ROWS = 2048
"""Rows that DuckDB holds before it writes them, and that Ray reads at once: texts may be long."""


@dataclass(frozen=True)
class Plan:
    """What a run has to do."""

    folder: str
    """Folder of the plan's Parquet files, relative to the lake's data path."""
    pending: int
    """Draws to be done; `slot` counts them from 0."""
    wanted: int
    """Draws asked for, those done before included."""
    since: int
    """Newest entry of the lake's books before the plan was made."""


def plan_draws(
    lake: Lake,
    run_id: str,
    *,
    recipe_fingerprint: str,
    teacher_fingerprint: str,
    draws: int,
    sources: Sequence[str] | None = None,
    where: str = "true",
    max_items: int | None = None,
    redo: Sequence[str] = (),
) -> Plan:
    """Write the plan of a run and return what is in it.

    `where` is a SQL predicate over the columns of `items`; `redo` names drop reasons that do not
    count as settled.  Raises `ConfigError` for a predicate that DuckDB refuses.
    """
    since = newest_entry(lake)
    folder = f"{PLANS}/{run_id}"
    scope = {"sources": list(sources) if sources is not None else None}
    try:
        items = int(lake.one(_sql("count_wanted", where), scope))
    except duckdb.IOException as exc:
        raise LakeError(f"can't read the lake: {first_line(exc)}") from exc
    except duckdb.Error as exc:
        raise ConfigError(f"items: DuckDB refuses {where!r}: {first_line(exc)}") from exc
    asked = {
        **scope,
        "draws": draws,
        "max_items": max_items,
        "recipe": recipe_fingerprint,
        "teacher": teacher_fingerprint,
        "redo": list(redo),
    }
    count = _write(lake, folder, _sql("plan_draws", where), asked)
    wanted = min(items, max_items) if max_items is not None else items
    return Plan(folder=folder, pending=count, wanted=wanted * draws, since=since)


def plan_review(lake: Lake, run_id: str, *, review: str, where: str = "true") -> Plan:
    """Write the plan of a review: traces that it has not been through, as `trace` and `item`.

    `review` is the review's lane; `where` is a SQL predicate over the columns of `thoughts`.
    Raises `ConfigError` for a predicate that DuckDB refuses.
    """
    since = newest_entry(lake)
    folder = f"{PLANS}/{run_id}-review"
    try:
        wanted = int(lake.one(f"SELECT count(*) FROM thoughts WHERE {where}"))
    except duckdb.IOException as exc:
        raise LakeError(f"can't read the lake: {first_line(exc)}") from exc
    except duckdb.Error as exc:
        raise ConfigError(f"verify.where: DuckDB refuses {where!r}: {first_line(exc)}") from exc
    count = _write(lake, folder, _sql("plan_review", where), {"review": review})
    return Plan(folder=folder, pending=count, wanted=wanted, since=since)


def plan_gold(lake: Lake, run_id: str, *, sources: Sequence[str] | None = None) -> Plan:
    """Write the plan of a gold check: items of `sources` that no check has looked at, as `item`."""
    since = newest_entry(lake)
    folder = f"{PLANS}/{run_id}-gold"
    scope = {"sources": list(sources) if sources is not None else None}
    count = _write(lake, folder, (SQL / "plan_gold.sql").read_text(), scope)
    return Plan(folder=folder, pending=count, wanted=count, since=since)


@dataclass(frozen=True)
class GradeScope:
    """Whose draws of which items are graded, and what they count as; see `plan_grade.sql`."""

    recipe_fingerprint: str
    teacher_fingerprint: str
    k: int
    """Most draws an item; later ones are not looked at."""
    drops_count_as: str
    failures: tuple[str, ...]
    """Drop reasons that are undecided in any case."""
    redo: tuple[str, ...] = ()
    """Drop reasons that are not there: their draws are done again."""
    sources: tuple[str, ...] | None = None
    where: str = "true"
    max_items: int | None = None

    def sql(self, settled: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """The query and its parameters; `settled` are counts such as `3/1/0`."""
        return _sql("plan_grade", self.where), {
            "sources": list(self.sources) if self.sources is not None else None,
            "max_items": self.max_items,
            "recipe": self.recipe_fingerprint,
            "teacher": self.teacher_fingerprint,
            "k": self.k,
            "drops_count_as": self.drops_count_as,
            "failures": list(self.failures),
            "redo": list(self.redo),
            "settled": list(settled),
        }


class Standing(NamedTuple):
    """Items that stand alike: the counts of their draws, how many they are, what they cost."""

    passes: int
    fails: int
    undecided: int
    unjudged: int
    """Of the undecided, those without a verdict."""
    items: int
    tokens: int
    """Tokens written in their draws, over all of them."""


def standings(lake: Lake, scope: GradeScope) -> list[Standing]:
    """How the items of a grading stand.  Raises `ConfigError` for a predicate DuckDB refuses."""
    query, parameters = scope.sql(())
    try:
        rows = lake.rows(
            "SELECT passes, fails, undecided, unjudged, count(*), sum(tokens)::BIGINT "
            f"FROM ({query}) GROUP BY ALL ORDER BY ALL",
            parameters,
        )
    except duckdb.IOException as exc:
        raise LakeError(f"can't read the lake: {first_line(exc)}") from exc
    except duckdb.Error as exc:
        raise ConfigError(f"items: DuckDB refuses {scope.where!r}: {first_line(exc)}") from exc
    return [Standing(*row) for row in rows]


def plan_grade(lake: Lake, run_id: str, scope: GradeScope, settled: Sequence[str]) -> Plan:
    """Write the plan of a grading: items that are not settled yet, with their draws so far."""
    since = newest_entry(lake)
    folder = f"{PLANS}/{run_id}-grade"
    count = _write(lake, folder, *scope.sql(settled))
    return Plan(folder=folder, pending=count, wanted=count, since=since)


def _write(lake: Lake, folder: str, query: str, parameters: dict[str, Any]) -> int:
    """Write the plan's files and count what is in them."""
    lake.storage.make_folder(folder)
    overwrite = str(lake.storage.local)  # DuckDB refuses to overwrite in an object store
    try:
        # Not by way of a relation: with bound values it would hold all rows in memory first.
        ((count,),) = lake.rows(
            f"COPY (\n{query}\n) TO '{quoted(lake.storage.url(folder))}' (FORMAT parquet, "
            f"COMPRESSION zstd, FILE_SIZE_BYTES '{_FILE_BYTES}', ROW_GROUP_SIZE {_GROUP_ROWS}, "
            f"OVERWRITE {overwrite})",
            parameters,
        )
    except duckdb.Error as exc:
        raise LakeError(f"can't write the plan {folder}: {first_line(exc)}") from exc
    return int(count)


def _sql(name: str, where: str) -> str:
    return (SQL / f"{name}.sql").read_text().replace("{where}", where)

"""What a report is about: the whole lake, a run, all runs of a name, or a published dataset.

A scope is a handful of temporary views on the reader's own connection; the lake is not written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.warehouse.export.export import DRAW
from thoughtmill.warehouse.extensions import quoted
from thoughtmill.warehouse.lake import Lake

SQL = Path(__file__).parent / "sql"
_SHOWN = 3
_ALL = "true"
_OF_RUNS = "{run} IN (SELECT run_id FROM asked_runs)"
_PUBLISHED = "trace_id IN (SELECT trace_id FROM published)"
_JUDGING = {
    "judged": (
        "asked_outcomes",
        "SELECT NULL::VARCHAR AS trace_id, NULL::VARCHAR AS outcome WHERE false",
    ),
    "difficulty": (
        "asked_pass_rates",
        "SELECT NULL::VARCHAR AS item_id, NULL::VARCHAR AS teacher, NULL::BIGINT AS n, "
        "NULL::BIGINT AS passes, NULL::DOUBLE AS pass_rate, NULL::VARCHAR AS band WHERE false",
    ),
}
"""View of the lake: the temporary table made of it, and what stands in for it."""


@dataclass(frozen=True)
class Scope:
    """What was asked for, resolved."""

    kind: Literal["lake", "run", "dataset"]
    title: str
    """How a heading calls it."""
    runs: tuple[str, ...]
    """Ids of the runs it covers, oldest first."""
    published: Path | None = None
    """Folder of the published dataset, where one is named."""


def resolve(lake: Lake, asked: str | None, published: Path | None = None) -> Scope:
    """Find out what `asked` names: a dataset folder, a run's id or its beginning, a run's name.

    The whole lake where null.  `published` is the folder of the dataset to count as the last step.
    Raises `ConfigError` that names what there is.
    """
    known = lake.rows("SELECT run_id, name FROM runs GROUP BY ALL ORDER BY min(started_at), run_id")
    if asked is None:
        return Scope("lake", "The whole lake", tuple(run for run, _ in known), published)
    exact = tuple(run for run, _ in known if run == asked)
    named = tuple(run for run, name in known if name == asked)
    begun = tuple(run for run, _ in known if run.startswith(asked))
    runs = exact or named or begun
    if len(runs) == 1:
        return Scope("run", f"Run {runs[0]}", runs, published)
    if named:
        return Scope("run", f"{len(named)} runs named {asked}", named, published)
    if begun:
        raise ConfigError(
            f"{len(begun)} runs begin with {asked!r}: name one in full, such as {_some(begun)}"
        )
    if Path(asked).is_dir():
        return Scope("dataset", f"Dataset {asked}", tuple(run for run, _ in known), Path(asked))
    there = f"it has {_some([run for run, _ in known])}" if known else "it has no run"
    raise ConfigError(
        f"{asked!r} is no run of this lake and no folder of a published dataset: {there}"
    )


def ask(lake: Lake, scope: Scope) -> tuple[str, ...]:
    """Make the temporary views that the report's queries read: `asked_...` and `published`.

    Returns the views of judging that this lake lacks; what rests on them is empty.  Raises
    `ConfigError` for a dataset whose rows do not name their traces.
    """
    run = lake.connection.execute
    run("SET memory_limit = '2GB'")
    run(
        "CREATE TEMP TABLE asked_runs AS SELECT unnest($runs::VARCHAR[]) AS run_id",
        {"runs": list(scope.runs)},
    )
    if scope.published is not None:
        run(f"CREATE TEMP TABLE published AS {_published(scope.published)}")
    of_traces, of_drops = _ALL, _ALL
    if scope.kind == "run":
        of_traces = _OF_RUNS.format(run="provenance.run_id")
        of_drops = _OF_RUNS.format(run="run_id")
    elif scope.kind == "dataset":
        of_traces = _PUBLISHED
    traces = (SQL / "asked_traces.sql").read_text()
    run(f"CREATE TEMP VIEW asked_traces AS {traces.replace('{where}', of_traces)}")
    before = _ALL if scope.kind == "dataset" else of_traces
    run(f"CREATE TEMP VIEW funnel_traces AS {traces.replace('{where}', before)}")
    run(f"CREATE TEMP VIEW asked_drops AS FROM lake.drops WHERE {of_drops}")
    there = {name for (name,) in lake.rows("SELECT view_name FROM duckdb_views()")}
    for view, (name, empty) in _JUDGING.items():
        query = (SQL / f"{name}.sql").read_text() if view in there else empty
        run(f"CREATE TEMP TABLE {name} AS {query}")  # read by several queries, dear to make
    counting = "exclusions_in_force" if "exclusions_in_force" in there else "exclusions"
    run(f"CREATE TEMP VIEW asked_objections AS FROM lake.{counting}")
    return tuple(view for view in _JUDGING if view not in there)


def _published(folder: Path) -> str:
    drawn = folder / DRAW  # a mix names its traces there, whatever its layout
    files = [drawn] if drawn.is_file() else sorted(folder.glob("**/*.parquet"))
    if not files:
        raise ConfigError(f"{folder} holds no Parquet files: name the folder of a dataset")
    for file in files:
        try:
            columns = pq.read_schema(file).names
        except (OSError, pa.ArrowInvalid) as exc:
            raise ConfigError(f"{file} is no Parquet file: name the folder of a dataset") from exc
        if "trace_id" not in columns:
            raise ConfigError(
                f"the rows of {file} have no column trace_id: publish it too, or leave the "
                "folder out"
            )
    listed = ", ".join(f"'{quoted(str(file))}'" for file in files)
    return f"SELECT trace_id FROM read_parquet([{listed}])"


def _some(runs: Sequence[str]) -> str:
    newest = ", ".join(reversed(runs[-_SHOWN:]))
    return newest + (f" and {len(runs) - _SHOWN} more" if len(runs) > _SHOWN else "")

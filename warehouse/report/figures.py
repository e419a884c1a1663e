"""Gathering the figures of a report.  All counting is SQL; what comes back is small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10, sqrt
from pathlib import Path
from typing import Any

from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.report.sample import Sample, draw_sample
from thoughtmill.warehouse.report.scope import SQL, Scope, ask, resolve

DRAWING = ("synthesize", "grade")
"""Stages that draw traces."""
_BINS = 32
_STRETCHES = 80
_GROUPS = 60
_Z = 1.959964  # 95 % of a normal distribution


@dataclass(frozen=True)
class Run:
    """One stage of one run, as the lake's books have it."""

    run_id: str
    name: str
    stage: str
    state: str
    began: str
    seconds: float | None
    teacher: str | None
    gpus: float | None
    items: int | None
    repeated: int | None
    pending: int | None
    lane: int


@dataclass(frozen=True)
class Funnel:
    """Counts from items to published rows."""

    items: int
    wanted: int
    pending: int
    traces: int
    item_drops: int
    draw_drops: int
    dropped_tokens: int
    outcomes: dict[str, int]
    """Traces by outcome: correct, incorrect, undecided, unjudged."""
    eligible: int
    eligible_correct: int
    published: int | None
    """Null where no dataset is named."""

    @property
    def judged(self) -> int:
        """Traces that a verifier has an opinion of."""
        return self.outcomes.get("correct", 0) + self.outcomes.get("incorrect", 0)

    @property
    def looked_at(self) -> int:
        """Traces that a verifier has looked at, with or without an opinion."""
        return self.judged + self.outcomes.get("undecided", 0)


@dataclass(frozen=True)
class DropReason:
    stage: str
    reason: str
    drops: int
    example: str


@dataclass(frozen=True)
class Lengths:
    """How long traces are, in completion tokens."""

    traces: int
    least: int
    most: int
    mean: float
    median: float
    p90: float
    p99: float
    total: int
    first: int
    """Where the first bin begins."""
    width: int
    """Tokens a bin covers; the last one holds all that is longer."""
    bins: int
    counts: dict[str, tuple[int, ...]]
    """Traces a bin, by outcome."""


@dataclass(frozen=True)
class Solved:
    """How many items of a band of difficulty a teacher solves at one pass rate."""

    teacher: str
    band: str
    pass_rate: float
    items: int
    draws: int


@dataclass(frozen=True)
class Rate:
    """A share of decided draws that pass, with its 95 % Wilson interval."""

    group: str
    teacher: str
    passes: int
    draws: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        return self.passes / self.draws


@dataclass(frozen=True)
class Objections:
    """Traces a screen objects to, and how many of these no other screen objects to."""

    screen: str
    reason: str
    traces: int
    only: int


@dataclass(frozen=True)
class CodeUse:
    """What the code in one mode's traces is for; a labeller may not have looked at all blocks."""

    mode: str
    traces: int
    with_code: int
    blocks: int
    calculation: int
    verification: int


@dataclass(frozen=True)
class Cost:
    """What one recipe's traces from one teacher took."""

    recipe: str
    teacher: str
    traces: int
    requests: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Figures:
    """All that a report shows."""

    scope: Scope
    lake: str
    snapshot: int
    runs: tuple[Run, ...]
    funnel: Funnel
    drops: tuple[DropReason, ...]
    lengths: Lengths
    solved: tuple[Solved, ...]
    grouped_by: str
    """What `rates` are grouped by: level or domain."""
    rates: tuple[Rate, ...]
    objections: tuple[Objections, ...]
    code: tuple[CodeUse, ...]
    outcomes: dict[str, int]
    """Traces by outcome; for a dataset those of its rows, where the funnel counts the lake's."""
    speed: tuple[float, ...]
    """Tokens per second in equal stretches of working time."""
    stretch_seconds: float
    costs: tuple[Cost, ...]
    sample: Sample
    missing: tuple[str, ...]
    """Views of judging that this lake does not have: an older release made it."""


def gather(
    settings: LakeSettings,
    asked: str | None = None,
    *,
    published: Path | None = None,
    traces: int = 60,
) -> Figures:
    """Read the figures of a run, of all runs of a name, of a dataset folder or of the whole lake.

    `traces` bounds the sample.  Raises `ConfigError` for something that is not there.
    """
    with Lake.open(settings) as lake:
        lake.connection.execute("BEGIN")  # one snapshot throughout: a run may be landing shards
        scope = resolve(lake, asked, published)
        missing = ask(lake, scope)
        runs = tuple(Run(*row) for row in lake.rows(_sql("runs")))
        what, rates = _rates(lake)
        step, speed = _speed(lake)
        return Figures(
            scope=scope,
            lake=settings.data.removesuffix("/data"),
            snapshot=lake.snapshot(),
            runs=runs,
            funnel=_funnel(lake, scope, runs),
            drops=tuple(DropReason(*row) for row in lake.rows(_sql("drop_reasons"))),
            lengths=_lengths(lake),
            solved=tuple(Solved(*row) for row in lake.rows(_sql("solved"))),
            grouped_by=what,
            rates=rates,
            objections=tuple(Objections(*row) for row in lake.rows(_sql("exclusions"))),
            code=_code(lake),
            outcomes=_outcomes(lake, "asked_traces"),
            speed=speed,
            stretch_seconds=step,
            costs=tuple(Cost(*row) for row in lake.rows(_sql("cost"))),
            sample=draw_sample(lake, traces),
            missing=missing,
        )


def wilson(passes: int, draws: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, JASA 22), which holds for few draws as well."""
    share, spread = passes / draws, _Z * _Z / draws
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / draws + spread / (4 * draws)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def _funnel(lake: Lake, scope: Scope, runs: Sequence[Run]) -> Funnel:
    ((traces, drawn, item_drops, draw_drops, dropped_tokens, eligible, correct),) = lake.rows(
        _sql("funnel")
    )
    newest = {run.lane: run.pending or 0 for run in runs if run.stage in DRAWING}
    pending = sum(newest.values())
    read = [(run.items or 0) + (run.repeated or 0) for run in runs if run.stage == "ingest"]
    if scope.kind == "run":
        items = max(read, default=0) or int(lake.one(_sql("items_of_draws")))
    else:
        items = int(lake.one("SELECT count(*) FROM lake.items"))
    published = None
    if scope.published is not None:
        published = int(
            lake.one("SELECT count(*) FROM published JOIN asked_traces USING (trace_id)")
        )
    return Funnel(
        items=items,
        wanted=drawn + draw_drops + pending,
        pending=pending,
        traces=traces,
        item_drops=item_drops,
        draw_drops=draw_drops,
        dropped_tokens=dropped_tokens,
        outcomes=_outcomes(lake, "funnel_traces"),
        eligible=eligible,
        eligible_correct=correct,
        published=published,
    )


def _outcomes(lake: Lake, traces: str) -> dict[str, int]:
    return dict(lake.rows(_sql("outcomes").replace("{traces}", traces)))


def _code(lake: Lake) -> tuple[CodeUse, ...]:
    there = lake.one("SELECT count(*) FROM duckdb_views() WHERE view_name = 'code_traces'")
    # The view reads every segment of the lake: not for a report without such traces.
    used = "SELECT 1 FROM asked_traces WHERE recipe = 'code_integrated' LIMIT 1"
    if not there or not lake.rows(used):
        return ()
    return tuple(CodeUse(*row) for row in lake.rows(_sql("code")))


def _lengths(lake: Lake) -> Lengths:
    ((traces, least, most, mean, (median, p90, p99), total),) = lake.rows(_sql("token_span"))
    # A few very long traces must not flatten all others: past `far` they share the last bin.
    far = min(most, 2 * p90 - least)
    width = _round_width((far - least) / _BINS)
    first = least // width * width
    bins = int(min((most - first) // width, (far - first) // width + 1)) + 1
    counts: dict[str, list[int]] = {}
    bound = {"first": first, "width": width, "last": bins - 1}
    for place, outcome, count in lake.rows(_sql("token_bins"), bound):
        counts.setdefault(outcome, [0] * bins)[place] = count
    return Lengths(
        traces=traces,
        least=least,
        most=most,
        mean=mean,
        median=median,
        p90=p90,
        p99=p99,
        total=total,
        first=first,
        width=width,
        bins=bins,
        counts={outcome: tuple(row) for outcome, row in sorted(counts.items())},
    )


def _round_width(width: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ... that is not below `width`."""
    if width <= 1:
        return 1
    power = 10 ** floor(log10(width))
    return int(next(step * power for step in (1, 2, 5, 10) if step * power >= width))


def _rates(lake: Lake) -> tuple[str, tuple[Rate, ...]]:
    rows: list[tuple[Any, ...]] = lake.rows(_sql("groups"), {"most": _GROUPS})
    what = "level" if rows and all(row[0] == "level" for row in rows) else "domain"
    rates = [Rate(group, teacher, k, n, *wilson(k, n)) for _, group, teacher, k, n in rows]
    return what, tuple(rates)


def _speed(lake: Lake) -> tuple[float, tuple[float, ...]]:
    rows = lake.rows(_sql("speed"), {"stretches": _STRETCHES})
    step = rows[0][0] if rows else 0.0
    return step, tuple(tokens / step for _, tokens in rows)


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text()

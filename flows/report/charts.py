"""The four kinds of chart as plain data: what `page.html.j2` draws as SVG and `plots.py` as PNG.

A chart answers the question in its title.  One without data says why in `empty`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Literal

Tone = Literal["accent", "second", "third", "good", "bad", "warn", "mute"]
TONES: tuple[Tone, ...] = ("accent", "second", "third")
"""Tones of series that have no meaning of their own."""
_TICKS = 4


@dataclass(frozen=True)
class Tick:
    """A label on an axis."""

    at: float
    """Share of the axis, from 0 to 1."""
    label: str


@dataclass(frozen=True)
class Numbers:
    """The figures behind a chart."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What all charts have."""

    name: str
    """Name of the PNG file."""
    title: str
    """The question it answers."""
    note: str = ""
    """Units, counts and what to mind."""
    empty: str = ""
    """Why there is nothing to see; empty where there is."""
    numbers: Numbers = Numbers((), ())


@dataclass(frozen=True)
class Part:
    """A stretch of a bar."""

    label: str
    value: float
    tone: Tone = "accent"


@dataclass(frozen=True)
class Bar:
    """A labelled bar; its parts lie end to end."""

    label: str
    parts: tuple[Part, ...]
    value: str
    """What stands at its end."""
    note: str = ""

    @property
    def total(self) -> float:
        return sum(part.value for part in self.parts)


@dataclass(frozen=True, kw_only=True)
class Bars(Chart):
    """Horizontal bars on one scale that begins at 0."""

    bars: tuple[Bar, ...] = ()
    kind: Literal["bars"] = "bars"

    @property
    def scale(self) -> float:
        return max((bar.total for bar in self.bars), default=0) or 1

    @property
    def legend(self) -> tuple[Part, ...]:
        """One part of each label, where there is more than one."""
        found = {part.label: part for bar in self.bars for part in bar.parts if part.label}
        return tuple(found.values()) if len(found) > 1 else ()


@dataclass(frozen=True)
class Series:
    """One value a column, stacked on those of the series before."""

    label: str
    tone: Tone
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Columns(Chart):
    """A histogram: stacked columns without gaps."""

    x_label: str
    y_label: str
    columns: tuple[str, ...] = ()
    """What each column covers."""
    x_ticks: tuple[Tick, ...] = ()
    series: tuple[Series, ...] = ()
    kind: Literal["columns"] = "columns"

    @property
    def stacks(self) -> tuple[tuple[Part, ...], ...]:
        """The parts of each column, from the bottom."""
        return tuple(
            tuple(Part(s.label, s.values[n], s.tone) for s in self.series if s.values[n])
            for n in range(len(self.columns))
        )

    @property
    def y_ticks(self) -> tuple[Tick, ...]:
        return ticks(max((sum(part.value for part in stack) for stack in self.stacks), default=0))

    @property
    def scale(self) -> float:
        most = max((sum(part.value for part in stack) for stack in self.stacks), default=0)
        return top(most)


@dataclass(frozen=True)
class Line:
    """A line through points, each from 0 to 1 in both directions."""

    label: str
    tone: Tone
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Lines(Chart):
    """Lines over a common axis."""

    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()
    lines: tuple[Line, ...] = ()
    kind: Literal["lines"] = "lines"


@dataclass(frozen=True)
class Interval:
    """An estimate from 0 to 1 with its bounds."""

    label: str
    tone: Tone
    low: float
    middle: float
    high: float
    value: str


@dataclass(frozen=True, kw_only=True)
class Intervals(Chart):
    """Estimates with their bounds, one a row, on a scale from 0 to 1."""

    rows: tuple[Interval, ...] = ()
    series: tuple[tuple[str, Tone], ...] = ()
    """What the tones stand for, where there is more than one."""
    kind: Literal["intervals"] = "intervals"


AnyChart = Bars | Columns | Lines | Intervals


def top(most: float) -> float:
    """The end of an axis that holds `most`: the last of its ticks."""
    return _step(most) * max(1, ceil(round(most / _step(most), 9)))


def ticks(most: float) -> tuple[Tick, ...]:
    """Round values from 0 to `top(most)`."""
    step, end = _step(most), top(most)
    return tuple(Tick(n * step / end, compact(n * step)) for n in range(round(end / step) + 1))


def compact(value: float) -> str:
    """A number as a person reads it: 12,345, then 1.23 M."""
    for size, unit in ((1e9, " G"), (1e6, " M")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}" if abs(value) < 1000 * size else f"{value:.3g}"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def percent(part: float, whole: float) -> str:
    """A share; exactly 0 % and 100 % only where it is exact."""
    if not whole:
        return "-"
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "< 0.1 %"
    if 99.9 < share < 100:
        return "> 99.9 %"
    return f"{share:.0f} %" if share >= 10 or share == 0 else f"{share:.1f} %"


def seconds_text(seconds: float) -> str:
    """A stretch of time in its own unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def and_more(there: int, shown: int, what: str) -> str:
    """A sentence for a chart that shows only the first of many."""
    return f" The {shown} largest of {there} {what}." if there > shown else ""


def _step(most: float) -> float:
    if most <= 0:
        return 1.0
    raw = most / _TICKS
    power = 10.0 ** floor(log10(raw))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= raw * 0.999)
    return step if most < 1 else max(step, 1.0) if step == int(step) else step

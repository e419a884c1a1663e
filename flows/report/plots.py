"""Charts as PNG, from the same data as those of the page; matplotlib stays in this module."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from thoughtmill.flows.report.charts import AnyChart, Bars, Columns, Intervals, Lines, Tick, Tone

_INK, _SOFT, _RULE, _PAPER = "#1d1f21", "#575c63", "#dcdad3", "#ffffff"
_COLOURS: dict[Tone, str] = {
    "accent": "#2b5f8f",
    "second": "#a2571d",
    "third": "#6a4c93",
    "good": "#2f7a4f",
    "bad": "#b0413e",
    "warn": "#94690a",
    "mute": "#82888f",
}
_WIDTH, _DPI, _NOTE_WIDTH = 8.0, 150, 118


def save_png(chart: AnyChart, target: Path) -> None:
    """Draw one chart that is not empty, 1,200 pixels wide."""
    rows = len(chart.bars) if isinstance(chart, Bars) else 0
    rows = len(chart.rows) if isinstance(chart, Intervals) else rows
    figure = Figure(figsize=(_WIDTH, 1.7 + 0.36 * rows if rows else 4.4), layout="constrained")
    figure.patch.set_facecolor(_PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if isinstance(chart, Bars):
        _bars(axes, chart)
    elif isinstance(chart, Columns):
        _columns(axes, chart)
    elif isinstance(chart, Lines):
        _lines(axes, chart)
    else:
        _intervals(axes, chart)
    figure.suptitle(
        _plain(chart.title), x=0.01, ha="left", color=_INK, fontsize=12, fontweight="bold"
    )
    note = "\n".join(wrap(chart.note, _NOTE_WIDTH))
    figure.supxlabel(_plain(note), x=0.01, ha="left", color=_SOFT, fontsize=8)
    axes.tick_params(colors=_SOFT, labelsize=8.5, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    figure.savefig(target, dpi=_DPI, facecolor=_PAPER, metadata={"Software": None})


def _bars(axes: Axes, chart: Bars) -> None:
    for row, bar in enumerate(chart.bars):
        left = 0.0
        for part in bar.parts:
            axes.barh(row, part.value, left=left, height=0.62, color=_COLOURS[part.tone])
            left += part.value
        said = f" {bar.value}  {bar.note}" if bar.note else f" {bar.value}"
        axes.text(left, row, _plain(said), va="center", color=_SOFT, fontsize=8.5)
    axes.set_xlim(0, chart.scale * 1.6)
    axes.set_xticks([])
    _rows(axes, [bar.label for bar in chart.bars])
    if chart.legend:
        _legend(axes, [(part.label, part.tone) for part in chart.legend])


def _columns(axes: Axes, chart: Columns) -> None:
    for place, stack in enumerate(chart.stacks):
        bottom = 0.0
        for part in stack:
            axes.bar(place + 0.5, part.value, bottom=bottom, width=0.92, color=_COLOURS[part.tone])
            bottom += part.value
    axes.set_xlim(0, len(chart.columns))
    axes.set_ylim(0, chart.scale)
    _axis(axes, chart, x_scale=len(chart.columns), y_scale=chart.scale, y_ticks=chart.y_ticks)
    if len(chart.series) > 1:
        _legend(axes, [(series.label, series.tone) for series in chart.series])


def _lines(axes: Axes, chart: Lines) -> None:
    for line in chart.lines:
        axes.plot(*zip(*line.points, strict=True), color=_COLOURS[line.tone], linewidth=1.6)
    if len(chart.lines) == 1:
        (line,) = chart.lines
        xs, ys = zip(*line.points, strict=True)
        axes.fill_between(xs, ys, color=_COLOURS[line.tone], alpha=0.13, linewidth=0)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    _axis(axes, chart, x_scale=1, y_scale=1, y_ticks=chart.y_ticks)
    if len(chart.lines) > 1:
        _legend(axes, [(line.label, line.tone) for line in chart.lines])


def _intervals(axes: Axes, chart: Intervals) -> None:
    for row, interval in enumerate(chart.rows):
        colour = _COLOURS[interval.tone]
        axes.plot([interval.low, interval.high], [row, row], color=colour, linewidth=2, alpha=0.55)
        axes.plot([interval.middle], [row], "o", color=colour, markersize=6)
        axes.text(1.03, row, _plain(interval.value), va="center", color=_SOFT, fontsize=8.5)
    axes.set_xlim(-0.01, 1.3)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.grid(axis="x", color=_RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    _rows(axes, [row.label for row in chart.rows])
    if chart.series:
        _legend(axes, list(chart.series))


def _rows(axes: Axes, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), [_plain(_cut(label)) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)


def _axis(
    axes: Axes, chart: Columns | Lines, *, x_scale: float, y_scale: float, y_ticks: tuple[Tick, ...]
) -> None:
    axes.set_xticks(
        [t.at * x_scale for t in chart.x_ticks], [_plain(t.label) for t in chart.x_ticks]
    )
    axes.set_yticks([t.at * y_scale for t in y_ticks], [t.label for t in y_ticks])
    axes.set_xlabel(chart.x_label, color=_SOFT, fontsize=9)
    axes.set_ylabel(chart.y_label, color=_SOFT, fontsize=9)
    axes.grid(axis="y", color=_RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def _legend(axes: Axes, entries: list[tuple[str, Tone]]) -> None:
    handles = [Patch(color=_COLOURS[tone], label=_plain(_cut(label))) for label, tone in entries]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=4,
        frameon=False,
        fontsize=8.5,
        labelcolor=_SOFT,
        borderaxespad=0.1,
    )


def _cut(text: str, most: int = 44) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _plain(text: str) -> str:
    """Text in which matplotlib finds no formula."""
    return text.replace("$", r"\$")

"""Distributions: pass rates, difficulty, lengths, and speed over time."""

from __future__ import annotations

from thoughtmill.flows.report.charts import (
    TONES,
    Columns,
    Interval,
    Intervals,
    Line,
    Lines,
    Numbers,
    Series,
    Tick,
    Tone,
    and_more,
    compact,
    percent,
    seconds_text,
    ticks,
    top,
)
from thoughtmill.warehouse.report.figures import Figures

_MOST_ROWS = 24
OUTCOMES: dict[str, Tone] = {
    "correct": "good",
    "incorrect": "bad",
    "undecided": "warn",
    "unjudged": "mute",
}
_BANDS: dict[str, Tone] = {"hard": "bad", "medium": "warn", "easy": "good"}
_NOT_JUDGED = "No answer was judged: the run had no verifier, or none has come to these traces."


def rates(figures: Figures) -> Intervals:
    by_group = sorted(figures.rates, key=lambda r: (_natural(r.group), r.teacher))
    if figures.grouped_by == "domain":
        by_group.sort(key=lambda r: -r.rate)
    tones = _teacher_tones(figures)
    rows = [
        Interval(
            f"{figures.grouped_by} {r.group}" if figures.grouped_by == "level" else r.group,
            tones[r.teacher],
            r.low,
            r.rate,
            r.high,
            f"{percent(r.passes, r.draws)} of {compact(r.draws)}",
        )
        for r in by_group[:_MOST_ROWS]
    ]
    return Intervals(
        name="pass_rates",
        title=f"How often is the answer right, by {figures.grouped_by}?",
        note="Passes among decided draws; the line is Wilson's 95 % interval, a little too narrow "
        "where an item has several draws." + and_more(len(by_group), _MOST_ROWS, "groups"),
        rows=tuple(rows),
        series=tuple(tones.items()) if len(tones) > 1 else (),
        numbers=Numbers(
            (figures.grouped_by, "teacher", "passes", "draws", "pass rate", "95 % interval"),
            tuple(
                (
                    r.group,
                    r.teacher,
                    compact(r.passes),
                    compact(r.draws),
                    f"{r.rate:.3f}",
                    f"{r.low:.3f} to {r.high:.3f}",
                )
                for r in by_group
            ),
        ),
        empty=_unjudged(figures) if not rows else "",
    )


def difficulty(figures: Figures) -> Columns:
    names = ("0", *(f"{n / 8:.3g} to {(n + 1) / 8:.3g}" for n in range(8)), "1")
    counts = {band: [0] * len(names) for band in _BANDS}
    for row in figures.solved:
        place = 0 if row.pass_rate <= 0 else 9 if row.pass_rate >= 1 else 1 + int(row.pass_rate * 8)
        counts.setdefault(row.band, [0] * len(names))[place] += row.items
    items = sum(row.items for row in figures.solved)
    draws = sum(row.draws for row in figures.solved)
    series = tuple(
        Series(band, _BANDS.get(band, "mute"), tuple(row))
        for band, row in counts.items()
        if any(row)
    )
    edges = ((0, "never"), (3, "0.25"), (5, "0.5"), (7, "0.75"), (9, "always"))
    return Columns(
        name="difficulty",
        title="How hard are the items?",
        note=f"{compact(items)} items by the share of their draws that pass, "
        f"{draws / max(items, 1):.3g} decided draws each on average, over all runs of the lake.",
        x_label="pass rate",
        y_label="items",
        columns=names,
        x_ticks=tuple(
            Tick((at + (0.5 if at in (0, 9) else 0)) / len(names), label) for at, label in edges
        ),
        series=series,
        numbers=Numbers(
            ("pass rate", *(s.label for s in series)),
            tuple((name, *(compact(s.values[n]) for s in series)) for n, name in enumerate(names)),
        ),
        empty=_unjudged(figures) if not items else "",
    )


def curve(figures: Figures) -> Lines:
    tones = _teacher_tones(figures)
    lines = []
    for teacher, tone in list(tones.items())[: len(TONES)]:
        rows = sorted(
            (r for r in figures.solved if r.teacher == teacher), key=lambda r: -r.pass_rate
        )
        items = sum(r.items for r in rows)
        done, points = 0, []
        for row in rows:
            points.append((done / items, row.pass_rate))
            done += row.items
            points.append((done / items, row.pass_rate))
        lines.append(Line(teacher, tone, tuple(points)))
    shares = tuple(Tick(n / 4, f"{25 * n} %") for n in range(5))
    return Lines(
        name="pass_rate_curve",
        title="What share of the items is solved how often?",
        note="Items from the most often solved to the least; the height is the pass rate.",
        x_label="share of items",
        y_label="pass rate",
        x_ticks=shares,
        y_ticks=tuple(Tick(n / 4, f"{n / 4:.3g}") for n in range(5)),
        lines=tuple(lines),
        numbers=Numbers(
            ("teacher", "pass rate", "items"),
            tuple(
                (r.teacher, f"{r.pass_rate:.3f}", compact(r.items)) for r in figures.solved[:200]
            ),
        ),
        empty=_unjudged(figures) if not figures.solved else "",
    )


def lengths(figures: Figures) -> Columns:
    lengths = figures.lengths
    starts = [lengths.first + n * lengths.width for n in range(lengths.bins)]
    cut = lengths.most >= starts[-1] + lengths.width
    names = [f"{start:,} to {start + lengths.width - 1:,}" for start in starts]
    if lengths.width == 1:
        names = [f"{start:,}" for start in starts]
    if cut:
        names[-1] = f"{starts[-1]:,} or more"
    every = max(1, round(lengths.bins / 5))
    series = tuple(
        Series(o if len(lengths.counts) > 1 else "traces", tone, lengths.counts[o])
        for o, tone in OUTCOMES.items()
        if o in lengths.counts
    )
    if len(series) == 1:
        series = (Series("traces", "accent", series[0].values),)
    return Columns(
        name="tokens",
        title="How long are the traces?",
        note=f"Tokens the teacher wrote, over {compact(lengths.traces)} traces: median "
        f"{lengths.median:,.0f}, 90th percentile {lengths.p90:,.0f}, longest {lengths.most:,}."
        + (" The last column holds all that is longer." if cut else ""),
        x_label="tokens written",
        y_label="traces",
        columns=tuple(names),
        x_ticks=tuple(
            Tick(n / lengths.bins, f"{starts[n]:,}")
            for n in range(0, lengths.bins, every)
            if n <= 0.88 * lengths.bins  # labels need room
        ),
        series=series,
        numbers=Numbers(
            ("tokens", *(s.label for s in series)),
            tuple((name, *(compact(s.values[n]) for s in series)) for n, name in enumerate(names)),
        ),
        empty="" if lengths.traces else "No trace has landed yet.",
    )


def speed(figures: Figures) -> Lines:
    end = figures.stretch_seconds * len(figures.speed)
    height = top(max(figures.speed, default=0))
    points = []
    for n, value in enumerate(figures.speed):
        points += [(n / len(figures.speed), value / height)]
        points += [((n + 1) / len(figures.speed), value / height)]
    runs = len({run.run_id for run in figures.runs})
    between = f" {runs} runs end to end, the time between them left out." if runs > 1 else ""
    return Lines(
        name="speed",
        title="How fast were tokens written?",
        note=f"Completion tokens a second of all draws in flight, means over "
        f"{seconds_text(figures.stretch_seconds)}; dropped draws are not in it." + between,
        x_label="working time since the first draw",
        y_label="tokens a second",
        x_ticks=tuple(Tick(n / 4, seconds_text(end * n / 4) if n else "0") for n in range(5)),
        y_ticks=ticks(max(figures.speed, default=0)),
        lines=(Line("tokens a second", "accent", tuple(points)),),
        numbers=Numbers(
            ("from", "tokens a second"),
            tuple(
                (seconds_text(n * figures.stretch_seconds), f"{value:,.0f}")
                for n, value in enumerate(figures.speed)
            ),
        ),
        empty="" if figures.speed else "No trace has landed yet.",
    )


def _teacher_tones(figures: Figures) -> dict[str, Tone]:
    names = sorted({r.teacher for r in figures.solved} | {r.teacher for r in figures.rates})
    return {name: TONES[min(n, len(TONES) - 1)] for n, name in enumerate(names)}


def _unjudged(figures: Figures) -> str:
    if figures.missing:
        missing = " and ".join(f"`{view}`" for view in figures.missing)
        return f"This lake has no view {missing}: the release that made it did not judge answers."
    if figures.funnel.looked_at:
        return "No verifier came to an opinion: all verdicts are undecided."
    return _NOT_JUDGED


def _natural(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text

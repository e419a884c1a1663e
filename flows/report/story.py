"""From figures to charts and headlines: which questions a report answers, in reading order."""

from __future__ import annotations

from dataclasses import dataclass

from thoughtmill.flows.report import counts, spread
from thoughtmill.flows.report.charts import AnyChart, compact, percent, seconds_text
from thoughtmill.warehouse.report.figures import Figures


@dataclass(frozen=True)
class Headline:
    """One figure, large."""

    value: str
    label: str
    note: str = ""


def headlines(figures: Figures) -> tuple[Headline, ...]:
    """The figures one asks for first."""
    funnel, lengths = figures.funnel, figures.lengths
    working = figures.stretch_seconds * len(figures.speed)
    speed = lengths.total / working if working else 0.0
    correct = figures.outcomes.get("correct", 0)
    judged = correct + figures.outcomes.get("incorrect", 0)
    return (
        Headline(compact(funnel.items), "items"),
        Headline(
            compact(lengths.traces),
            "traces",
            f"of {compact(funnel.traces)} in the lake"
            if figures.scope.kind == "dataset"
            else f"{percent(funnel.wanted - funnel.draw_drops - funnel.pending, funnel.wanted)} "
            f"of {compact(funnel.wanted)} draws",
        ),
        Headline(
            compact(lengths.total), "tokens written", f"{compact(round(lengths.mean))} a trace"
        ),
        Headline(compact(round(speed)), "tokens a second", f"over {seconds_text(working)} of work"),
        Headline(
            percent(correct, judged) if judged else "-",
            "judged correct",
            f"of {compact(judged)} decided" if judged else "nothing was judged",
        ),
        Headline(
            percent(funnel.eligible, funnel.traces),
            "eligible",
            f"{compact(funnel.traces - funnel.eligible)} objected to",
        ),
        Headline(
            compact(funnel.published) if funnel.published is not None else "-",
            "published",
            "rows" if funnel.published is not None else "no dataset was named",
        ),
    )


def charts(figures: Figures) -> tuple[AnyChart, ...]:
    """All charts of a report, in reading order."""
    return (
        counts.funnel(figures),
        counts.drops(figures),
        spread.rates(figures),
        spread.difficulty(figures),
        spread.curve(figures),
        spread.lengths(figures),
        counts.objections(figures),
        counts.code(figures),
        spread.speed(figures),
        counts.cost(figures),
    )

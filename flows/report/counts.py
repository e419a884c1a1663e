"""Bars: what was counted at each step, by reason, by screen and by teacher."""

from __future__ import annotations

from thoughtmill.flows.report.charts import (
    Bar,
    Bars,
    Numbers,
    Part,
    Tone,
    and_more,
    compact,
    percent,
    seconds_text,
)
from thoughtmill.warehouse.report.figures import DRAWING, Figures

_MOST = 12


def funnel(figures: Figures) -> Bars:
    f = figures.funnel
    correct = f.outcomes.get("correct", 0)
    judged = f"{percent(correct, f.judged)} of {compact(f.judged)} decided"
    undecided = f.outcomes.get("undecided", 0)
    if undecided:
        judged += f", {compact(undecided)} undecided"
    bars = [
        _step("Items", f.items, f"{compact(f.item_drops)} rows left out" if f.item_drops else ""),
        _step("Draws wanted", f.wanted, f"{f.wanted / f.items:.3g} an item" if f.items else ""),
        _step("Traces", f.traces, f"{compact(f.draw_drops)} draws dropped" if f.draw_drops else ""),
        _step("Judged correct", correct, judged if f.looked_at else "nothing was judged", "good"),
        Bar(
            "Eligible",
            (
                Part("correct", f.eligible_correct, "good"),
                Part("not judged correct", f.eligible - f.eligible_correct, "accent"),
            )
            if f.looked_at
            else (Part("", f.eligible),),
            compact(f.eligible),
            f"{percent(f.eligible, f.traces)} of traces, whatever the verdict",
        ),
        _step("Published", f.published, "rows, repeats counted")
        if f.published is not None
        else Bar("Published", (), "-", "no dataset was named"),
    ]
    pending = f" {compact(f.pending)} draws are still to be done." if f.pending else ""
    return Bars(
        name="funnel",
        title="How many rows are left after each step?",
        note=("Rows of the whole lake. " if figures.scope.kind == "dataset" else "Rows. ")
        + "A verdict or an objection deletes nothing; a mix decides."
        + pending,
        bars=tuple(bars),
        numbers=Numbers(("step", "rows", "note"), tuple((b.label, b.value, b.note) for b in bars)),
        empty="" if f.items or f.wanted else "The lake has no items yet.",
    )


def _step(label: str, rows: int, note: str, tone: Tone = "accent") -> Bar:
    return Bar(label, (Part("", rows, tone),), compact(rows), note)


def drops(figures: Figures) -> Bars:
    f = figures.funnel
    rows = figures.drops
    bars = [
        Bar(
            row.reason.replace("_", " "),
            (Part("", row.drops, "bad"),),
            compact(row.drops),
            f"at {row.stage}, {percent(row.drops, f.wanted)} of draws"
            if row.stage != "ingest"
            else "at ingest",
        )
        for row in rows[:_MOST]
    ]
    return Bars(
        name="drops",
        title="Why were rows and draws dropped?",
        note=f"Drops by reason; {compact(f.dropped_tokens)} tokens had been written for them."
        + and_more(len(rows), _MOST, "reasons"),
        bars=tuple(bars),
        numbers=Numbers(
            ("stage", "reason", "drops", "example"),
            tuple((r.stage, r.reason, compact(r.drops), r.example[:120]) for r in rows[:50]),
        ),
        empty="" if rows else "Nothing was dropped.",
    )


def objections(figures: Figures) -> Bars:
    rows = figures.objections
    bars = [
        Bar(
            f"{row.screen}: {row.reason.replace('_', ' ')}",
            (
                Part("this screen alone", row.only, "accent"),
                Part("other screens too", row.traces - row.only, "mute"),
            ),
            compact(row.traces),
            f"{percent(row.traces, figures.funnel.traces)} of traces",
        )
        for row in rows[:_MOST]
    ]
    return Bars(
        name="exclusions",
        title="What do the screens object to?",
        note="Traces by screen and reason; one trace may be objected to by several."
        + and_more(len(rows), _MOST, "reasons"),
        bars=tuple(bars),
        numbers=Numbers(
            ("screen", "reason", "traces", "this screen alone"),
            tuple((r.screen, r.reason, compact(r.traces), compact(r.only)) for r in rows[:100]),
        ),
        empty=""
        if rows
        else "No screen objects to anything here: none was run, or none found anything.",
    )


def code(figures: Figures) -> Bars:
    """What the code in code-integrated traces is for."""
    bars = [
        Bar(
            row.mode.replace("_", " "),
            (
                Part("calculation", row.calculation, "accent"),
                Part("verification", row.verification, "second"),
                Part("not labelled", row.blocks - row.calculation - row.verification, "mute"),
            ),
            compact(row.blocks),
            f"in {compact(row.traces)} traces, {percent(row.with_code, row.traces)} with code",
        )
        for row in figures.code
    ]
    return Bars(
        name="code",
        title="What is the code in the traces for?",
        note="Code blocks by recipe mode and by the labeller's word.",
        bars=tuple(bars),
        numbers=Numbers(
            ("mode", "traces", "with code", "blocks", "calculation", "verification"),
            tuple(
                (
                    r.mode,
                    *map(compact, (r.traces, r.with_code, r.blocks, r.calculation, r.verification)),
                )
                for r in figures.code
            ),
        ),
        empty="" if bars else "No code-integrated trace is in this report.",
    )


def cost(figures: Figures) -> Bars:
    bars = [
        Bar(
            f"{row.recipe}, {row.teacher}",
            (
                Part("written", row.completion_tokens, "accent"),
                Part("read", row.prompt_tokens, "mute"),
            ),
            compact(row.completion_tokens),
            f"written, {compact(row.prompt_tokens)} read in {compact(row.requests)} requests",
        )
        for row in figures.costs[:_MOST]
    ]
    dropped = figures.funnel.dropped_tokens
    if dropped:
        bars.append(
            Bar("dropped draws", (Part("written for drops", dropped, "bad"),), compact(dropped))
        )
    drawn = [r for r in figures.runs if r.stage in DRAWING]
    wall = sum(r.seconds or 0 for r in drawn)
    gpus = [(r.gpus or 0) * (r.seconds or 0) for r in drawn]
    told = f" {seconds_text(wall)} of stages, engine start included." if wall else ""
    told += (
        f" {seconds_text(sum(gpus))} of GPU time for one engine."
        if any(gpus)
        else " GPU time is not in the books."
    )
    return Bars(
        name="cost",
        title="What did it cost?",
        note="Tokens by recipe and teacher." + told,
        bars=tuple(bars),
        numbers=Numbers(
            ("recipe", "teacher", "traces", "requests", "tokens read", "tokens written"),
            tuple(
                (
                    r.recipe,
                    r.teacher,
                    *map(compact, (r.traces, r.requests, r.prompt_tokens, r.completion_tokens)),
                )
                for r in figures.costs
            ),
        ),
        empty="" if bars else "No trace has landed yet.",
    )

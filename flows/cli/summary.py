"""What a run prints at its end: figures, a few rows, and what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thoughtmill.flows.config import RunConfig
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.lake import Lake

if TYPE_CHECKING:
    from thoughtmill.flows.pipeline import PipelineSummary
    from thoughtmill.tasks.grading.stage import Graded


def print_summary(summary: PipelineSummary, config: RunConfig, *, seconds: float) -> None:
    """The figures of a run on standard output; `seconds` is the time of the whole command."""
    console = Console(markup=False)  # names and folders may hold brackets
    table = Table(
        title=f"run {summary.run_id}",
        title_justify="left",
        show_header=False,
        box=None,
        pad_edge=False,
    )
    table.add_column(style="bold")
    table.add_column()
    ingested = summary.ingested
    new = ingested.rows.get("items", 0)
    table.add_row("items", f"{new:,} new, {ingested.repeated:,} rows known before")
    _drops(table, "rows left out", ingested.drops)
    if summary.gold_checked is not None:
        _drops(table, "gold answers", summary.gold_checked.outcomes)
    done = summary.synthesized
    if done is not None:
        table.add_row("traces", f"{done.rows.get('traces', 0):,}")
        _drops(table, "draws dropped", done.drops)
        if done.pending:
            table.add_row("still to do", f"{done.pending:,}")
        for graded in done.graded:
            _graded(table, graded)
        table.add_row("tokens written", f"{done.completion_tokens:,}")
        if done.cost:
            table.add_row("cost", f"{done.cost:,.4f} at the teacher's price")
        table.add_row("drawing", f"{done.seconds:,.0f} s, engine start included")
    if summary.verified is not None:
        reviewed = summary.verified.rows.get("reviewed", 0)
        table.add_row("reviewed", f"{reviewed:,} traces in {summary.verified.seconds:,.0f} s")
        _drops(table, "verdicts", summary.verified.outcomes)
    if summary.curated is not None:
        _drops(table, "excluded", summary.curated.outcomes)
    if summary.published is not None:
        table.add_row(
            "published", f"{summary.published['rows']:,} rows in {summary.published['folder']}"
        )
    table.add_row("time", f"{seconds:,.0f} s in all")
    console.print(table)
    lake = _lake_flag(config.lake)
    if summary.stopped:
        console.print("Stopped; what is finished is in the lake. Run the same command to go on.")
        return
    if done is not None and done.rows.get("traces"):
        _sample(config.lake, summary.run_id, console)
    console.print("\nGo on with:")
    console.print(f'  thoughtmill sql "FROM thinking_length" {lake}', soft_wrap=True)
    console.print(f'  thoughtmill sql "FROM drop_reasons" {lake}', soft_wrap=True)
    if summary.gold_checked is not None:
        console.print(f'  thoughtmill sql "FROM gold_problems" {lake}', soft_wrap=True)
    if done is not None and done.graded:
        console.print(f'  thoughtmill sql "FROM grading_report" {lake}', soft_wrap=True)
    if summary.verified is not None:
        console.print(f'  thoughtmill sql "FROM difficulty" {lake}', soft_wrap=True)
    if summary.curated is not None:
        console.print(f'  thoughtmill sql "FROM exclusion_counts" {lake}', soft_wrap=True)
    with Lake.open(config.lake) as opened:
        found = opened.rows(
            "SELECT trace_id FROM traces WHERE provenance.run_id = ? "
            "ORDER BY provenance.completion_tokens DESC LIMIT 1",
            [summary.run_id],
        )
    for (trace_id,) in found:
        console.print(f"  thoughtmill show {trace_id[:12]} {lake}", soft_wrap=True)
    console.print(f"  thoughtmill status {lake}", soft_wrap=True)


def _drops(table: Table, title: str, drops: dict[str, int]) -> None:
    if drops:
        ordered = sorted(drops.items(), key=lambda pair: -pair[1])
        table.add_row(title, ", ".join(f"{reason} {count:,}" for reason, count in ordered))


def _graded(table: Table, graded: Graded) -> None:
    bands = ", ".join(f"{band} {items:,}" for band, items in graded.bands.items())
    table.add_row("graded", f"{graded.settled:,} of {graded.items:,} items: {bands or 'none yet'}")
    if graded.budget_spent:
        table.add_row("token budget", "spent; the same command goes on from here")
    if graded.tokens_at_k:
        table.add_row(
            "tokens saved",
            f"{graded.saved:.0%}: {graded.tokens:,} for the settled items, all draws would have "
            f"taken {graded.tokens_at_k:,}",
        )


def _sample(settings: LakeSettings, run_id: str, console: Console) -> None:
    """A few thoughts of a run, so that a person sees what was made."""
    with Lake.open(settings) as lake:
        rows = lake.rows(
            "SELECT coalesce(domain, source), thinking_tokens, "
            "left(trim(regexp_replace(thinking, '\\s+', ' ', 'g')), 100) "
            "FROM thoughts JOIN traces USING (trace_id) WHERE provenance.run_id = ? "
            "ORDER BY hash(trace_id) LIMIT 3",
            [run_id],
        )
    for domain, tokens, text in rows:
        console.print(Text(domain, style="bold"), f"({tokens} tokens): ", end="")
        console.print(f"{text} …", highlight=False)


def _lake_flag(settings: LakeSettings) -> str:
    folder = settings.data.removesuffix("/data")
    return "" if folder == "lake" else f"--lake {folder}"

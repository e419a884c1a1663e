"""Looking into a lake from the shell: queries, figures, one trace whole."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from schemas.errors import ConfigError
from schemas.settings import LakeSettings
from warehouse.lake import Lake
from warehouse.query import print_query

_COUNTED = (
    *("items", "images", "gold_checks", "traces", "drops"),
    *("verdicts", "scores", "labels", "exclusions"),
)
_INTERRUPTED = "thoughtmill: the query was interrupted"
_COLOURS = {
    "prompt": "dim",
    "hint": "magenta",
    "think": "default",
    "code": "cyan",
    "output": "yellow",
    "answer": "green",
}


def query(settings: LakeSettings, text: str, *, csv: bool = False) -> None:
    """Run one read-only query and print its rows.  Raises `ConfigError` for one DuckDB refuses."""
    with Lake.open(settings) as lake:
        try:
            print_query(lake, text, csv=csv, width=_width())
        except KeyboardInterrupt:
            print(_INTERRUPTED, file=sys.stderr)
            raise


def prompt(settings: LakeSettings) -> None:
    """A read-only SQL prompt; a query ends with a semicolon, the session with Ctrl-D."""
    import readline  # noqa: F401  line editing and history for input()

    with Lake.open(settings) as lake:
        names = ", ".join(name for (name,) in lake.rows("SHOW TABLES"))
        print(f"tables and views: {names}\nend a query with ; and the session with Ctrl-D")
        lines: list[str] = []
        while True:
            try:
                lines.append(input("   ...> " if lines else "lake> "))
            except EOFError:
                print()
                return
            except KeyboardInterrupt:
                lines = []
                print()
                continue
            if lines[-1].rstrip().endswith(";"):
                text, lines = "\n".join(lines), []
                try:
                    print_query(lake, text, width=_width())
                except ConfigError as exc:
                    print(exc, file=sys.stderr)
                except KeyboardInterrupt:
                    print(_INTERRUPTED, file=sys.stderr)


def print_status(settings: LakeSettings) -> None:
    """What the lake holds, and its newest runs."""
    console = Console()
    with Lake.open(settings) as lake:
        where = settings.data.removesuffix("/data")
        console.print(Text(f"lake {where}, snapshot {lake.snapshot()}"))
        counts = [(name, lake.one(f"SELECT count(*) FROM {name}")) for name in _COUNTED]
        console.print(", ".join(f"{count:,} {name}" for name, count in counts if count))
        runs = "FROM run_report ORDER BY started_at DESC LIMIT 10"
        print_query(lake, runs, width=_width())


def print_trace(settings: LakeSettings, trace_id: str) -> None:
    """One trace with its segments in colours; `ConfigError` where the id fits none or many."""
    console = Console()
    with Lake.open(settings) as lake:
        found = lake.rows(
            "SELECT trace_id, item_id, draw, answer, finish_reason, provenance, segments "
            "FROM traces WHERE starts_with(trace_id, ?) LIMIT 2",
            [trace_id],
        )
        if len(found) != 1:
            few = "no trace" if not found else "more than one trace"
            raise ConfigError(f"{few} in {settings.data} begins with {trace_id!r}")
        whole, item_id, draw, answer, finish, provenance, segments = found[0]
        ((kind, source, domain, reference),) = lake.rows(
            "SELECT kind, source, domain, reference FROM items WHERE item_id = ?", [item_id]
        )
        scores = lake.rows("SELECT scorer, value FROM scores WHERE trace_id = ?", [whole])
        verdicts = lake.rows(
            "SELECT verifier, outcome, reason FROM verdicts WHERE trace_id = ?", [whole]
        )
        labels = dict(
            lake.rows(
                "SELECT position, string_agg(label, ', ' ORDER BY labeller) FROM labels "
                "WHERE trace_id = ? GROUP BY position",
                [whole],
            )
        )
    facts = {
        "trace": whole,
        "item": f"{item_id}, {kind} from {source}" + (f", {domain}" if domain else ""),
        "draw": f"{draw}, finished by {finish}",
        "teacher": f"{provenance['teacher']} {provenance['teacher_revision'][:12]}",
        "sampling": provenance["sampling"],
        "tokens": f"{provenance['prompt_tokens']:,} read, {provenance['completion_tokens']:,} "
        f"written in {provenance['seconds']:.1f} s",
        "scores": ", ".join(f"{name} {value:.3f}" for name, value in scores),
        "verdicts": ", ".join(f"{name} {outcome} ({why})" for name, outcome, why in verdicts),
        "answer": answer,
        "reference": reference,
    }
    table = Table(show_header=False, box=None)
    for name, value in facts.items():
        if value not in (None, ""):
            table.add_row(f"[bold]{name}[/]", Text(str(value)))
    console.print(table)
    for position, segment in enumerate(segments):
        title = f"{segment['kind']}, {len(segment['token_ids'])} tokens"
        title += "" if segment["trainable"] else ", no loss"
        title += f", {labels[position]}" if position in labels else ""
        text = segment["text"].strip("\n")
        colour = _COLOURS.get(segment["kind"], "default")
        console.print(Panel(Text(text), title=title, title_align="left", style=colour))


def _width() -> int:
    return max(Console().width, 120)

"""Looking into a lake from the shell: queries, figures, one trace whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.extensions import quoted
from thoughtmill.warehouse.lake import Lake, require_lake
from thoughtmill.warehouse.query import print_query
from thoughtmill.warehouse.runs import owner_is_gone

_COUNTED = (
    *("items", "images", "gold_checks", "traces", "drops"),
    *("verdicts", "scores", "labels", "exclusions"),
)
_RUNS = 10
"""Newest runs that `status` shows."""
_LEAVE = frozenset({"exit", "quit", ".exit", ".quit", "\\q"})
_WORDS = _LEAVE | {".tables", ".help"}
_PROMPT_HELP = "end a query with ;  .tables lists tables and views, exit or Ctrl-D ends the session"
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
    """A read-only SQL prompt: `.tables`, `.help`, `exit`; a query ends with a semicolon.

    Earlier lines are kept in `~/.thoughtmill_history`.
    """
    with Lake.open(settings) as lake, _history():
        names = ", ".join(name for (name,) in lake.rows("SHOW TABLES"))
        print(f"tables and views: {names}\n{_PROMPT_HELP}")
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
            if len(lines) == 1 and (word := lines[0].strip().rstrip(";").lower()) in _WORDS:
                lines = []
                if word in _LEAVE:
                    return
                print(_PROMPT_HELP if word == ".help" else names)
            elif lines[-1].rstrip().endswith(";"):
                text, lines = "\n".join(lines), []
                try:
                    print_query(lake, text, width=_width())
                except ConfigError as exc:
                    print(exc, file=sys.stderr)
                except KeyboardInterrupt:
                    print(_INTERRUPTED, file=sys.stderr)


def print_status(settings: LakeSettings) -> None:
    """What the lake holds, and its newest runs, in 80 columns."""
    from thoughtmill.flows.report.charts import (  # not for `sql`, which starts at once
        compact,
        seconds_text,
    )

    console = Console()
    with Lake.open(settings) as lake:
        where = settings.data.removesuffix("/data")
        console.print(Text(f"lake {where}, snapshot {lake.snapshot()}"))
        counts = [(name, lake.one(f"SELECT count(*) FROM {name}")) for name in _COUNTED]
        console.print(", ".join(f"{count:,} {name}" for name, count in counts if count))
        runs = lake.rows(
            "SELECT run_id, traces, drops, completion_tokens + dropped_tokens, seconds, state, "
            "reason FROM run_report ORDER BY started_at DESC LIMIT ?",
            [_RUNS],
        )
        owners = dict(
            lake.rows(
                "SELECT run_id, max(summary ->> '$.owner') FROM runs WHERE state = 'running' "
                "GROUP BY run_id"
            )
        )
        hidden = int(lake.one("SELECT count(DISTINCT run_id) FROM runs")) - len(runs)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("run", no_wrap=True)
    for name in ("traces", "drops", "tokens", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    reasons = []
    for run_id, traces, drops, tokens, seconds, state, reason in runs:
        gone = state == "running" and owner_is_gone(owners.get(run_id))
        figures = (
            f"{traces:,}",
            f"{drops:,}",
            compact(tokens),
            seconds_text(seconds) if seconds else "",
        )
        table.add_row(run_id, *figures, "lost" if gone else state)
        if reason:
            reasons.append(f"{run_id} failed: {reason}")
    console.print(table)
    for line in reasons:
        console.print(line, markup=False, soft_wrap=True)
    if hidden > 0:
        console.print(f'and {hidden:,} earlier runs: thoughtmill sql "FROM run_report"')


def attach_command(settings: LakeSettings) -> str:
    """SQL that attaches the lake read-only in any DuckDB; the files read are those beside it."""
    require_lake(settings)
    kind, _, location = settings.catalog.partition(":")
    remote = "://" in settings.data
    data = settings.data if remote else f"{Path(settings.data).absolute()}/"
    where = str(Path(location).absolute()) if kind == "sqlite" else location
    extensions = ["ducklake", kind, *(["httpfs"] if remote else [])]
    loading = "".join(f"INSTALL {name}; LOAD {name};\n" for name in extensions)
    return (
        f"{loading}ATTACH 'ducklake:{kind}:{quoted(where)}' AS lake\n"
        f"    (DATA_PATH '{quoted(data)}', OVERRIDE_DATA_PATH true, READ_ONLY);\nUSE lake;"
    )


@contextmanager
def _history() -> Iterator[None]:
    """Line editing for input(), with the lines of earlier sessions."""
    import readline

    file = Path.home() / ".thoughtmill_history"
    with suppress(OSError):
        readline.read_history_file(file)
    readline.set_history_length(1000)
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(file)


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

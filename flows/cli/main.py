"""The command line.  Each command imports what it needs, so `sql` and `--help` start at once."""

from __future__ import annotations

import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from thoughtmill.schemas.errors import ThoughtmillError, in_one_line
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.tasks.runtime.environment import default_environment

app = typer.Typer(
    name="thoughtmill",
    help="Synthesis of reasoning corpora: documents and problems in, training data with the "
    "thinking written out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
Lake = Annotated[
    str,
    typer.Option(
        help="Folder of the lake, or the run config that names it.", envvar="THOUGHTMILL_LAKE"
    ),
]
_DEFAULT_LAKE = "lake"


def _version(asked: bool) -> None:
    if asked:
        print(f"thoughtmill {version('thoughtmill')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option(help="Show where an unexpected error arose.")] = False,
) -> None:
    """Options of every command."""


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="Run config, such as configs/runs/demo.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override one key: `teacher.max_num_seqs=64`.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most items per source.")] = None,
    dry_run: Annotated[
        bool,
        typer.Option(help="Print what there is to do, one prompt and the price; start nothing."),
    ] = False,
    verbose: Annotated[bool, typer.Option(help="Show the libraries' logs too.")] = False,
) -> None:
    """Run a config from its sources to the published dataset.

    Run it again to go on where it was cut off: what is in the lake is not done again.

    Example: `thoughtmill run configs/runs/demo.yaml --limit 20 --set draws=2`
    """
    began = time.monotonic()
    default_environment(verbose=verbose)
    from thoughtmill.tasks.runtime.progress import phase

    with phase("reading the config", logged=False):
        from thoughtmill.flows.config import load_config, preflight

        settings = load_config(config, overrides or [], limit=limit)
        preflight(settings)
    if dry_run:
        from thoughtmill.flows.dry_run import dry_run as reckon

        with phase("reading the sources"):
            reckoned = reckon(settings)
        reckoned.show()
        return
    from thoughtmill.flows.cli.local_api import local_api
    from thoughtmill.flows.cli.summary import print_summary

    with local_api():
        with phase("loading the flows", logged=False):
            from thoughtmill.flows.pipeline import pipeline
        summary = pipeline(config=config, overrides=overrides or [], limit=limit)
    print_summary(summary, settings, seconds=time.monotonic() - began)
    if summary.stopped:
        raise typer.Exit(130)


@app.command()
def curate(
    config: Annotated[Path, typer.Argument(help="Run config with a `curate:` section.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override one key: `lake=/tmp/try`.")
    ] = None,
    verbose: Annotated[bool, typer.Option(help="Show the libraries' logs too.")] = False,
) -> None:
    """Screen the traces of a config's lake: duplicates, contamination, form, language, length.

    Nothing is deleted: what a screen objects to is no longer in the view `eligible`.

    Example: `thoughtmill curate configs/runs/curate.yaml`
    """
    default_environment(verbose=verbose)
    from thoughtmill.flows.config import load_config
    from thoughtmill.schemas.errors import ConfigError
    from thoughtmill.warehouse.lake import require_lake

    settings = load_config(config, overrides or [])
    if settings.curate is None:
        raise ConfigError(f"{config}: no section `curate:`; add one with a list of `screens`")
    require_lake(settings.lake)
    settings.curate.lanes()
    from thoughtmill.flows.cli.local_api import local_api

    with local_api():
        from thoughtmill.flows.curate import curate as curate_flow
        from thoughtmill.flows.curate import print_exclusions

        summary = curate_flow(settings.lake, settings.curate, settings.name)
    print_exclusions(settings.lake, summary)
    if summary.stopped:
        raise typer.Exit(130)


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="SQL; a prompt opens where none is given.")
    ] = None,
    lake: Lake = _DEFAULT_LAKE,
    csv: Annotated[bool, typer.Option(help="Print CSV instead of a table.")] = False,
    attach: Annotated[
        bool, typer.Option(help="Print the SQL that attaches the lake in any DuckDB.")
    ] = False,
) -> None:
    """Query the lake, read-only.

    Example: `thoughtmill sql "SELECT domain, avg(thinking_tokens) FROM thoughts GROUP BY ALL"`
    """
    from thoughtmill.flows.cli import inspect

    if attach:
        print(inspect.attach_command(_settings(lake)))
    elif query is None:
        inspect.prompt(_settings(lake))
    else:
        inspect.query(_settings(lake), query, csv=csv)


@app.command()
def status(lake: Lake = _DEFAULT_LAKE) -> None:
    """What the lake holds, and how its runs ended.

    Example: `thoughtmill status --lake lake`
    """
    from thoughtmill.flows.cli.inspect import print_status

    print_status(_settings(lake))


@app.command()
def show(
    trace_id: Annotated[str, typer.Argument(help="A trace id, or the start of one.")],
    lake: Lake = _DEFAULT_LAKE,
) -> None:
    """One trace whole: its item, its segments, its scores and where it came from.

    Example: `thoughtmill show 3f2a --lake lake`
    """
    from thoughtmill.flows.cli.inspect import print_trace

    print_trace(_settings(lake), trace_id)


@app.command()
def export(
    folder: Annotated[str, typer.Argument(help="Folder to make.")],
    lake: Lake = _DEFAULT_LAKE,
    where: Annotated[str, typer.Option(help="SQL predicate over the view `samples`.")] = "true",
    query: Annotated[str | None, typer.Option(help="A whole query instead of `--where`.")] = None,
    layout: Annotated[
        str, typer.Option(help="How a row is laid out: a name, or YAML such as `{kind: chat}`.")
    ] = "text",
    columns: Annotated[
        str | None, typer.Option(help="Columns to publish, with commas between.")
    ] = None,
    tokens: Annotated[
        str | None,
        typer.Option(help="Tokenizer to count with, or YAML: `{tokenizer: NAME, pack: 8192}`."),
    ] = None,
    snapshot: Annotated[
        int | None, typer.Option(min=1, help="The lake as it was at this snapshot.")
    ] = None,
    jsonl: Annotated[bool, typer.Option(help="Also write JSONL.")] = True,
    webdataset: Annotated[bool, typer.Option(help="Also write WebDataset shards.")] = False,
    push_to_hub: Annotated[
        str | None, typer.Option(help="Upload to this dataset on Hugging Face; never by itself.")
    ] = None,
    public: Annotated[bool, typer.Option(help="Make a new dataset there public.")] = False,
) -> None:
    """Publish a selection as a folder that `datasets.load_dataset` takes.

    Example: `thoughtmill export out/long --where "thinking_tokens > 100" --layout chat`
    """
    from thoughtmill.flows.cli.export_file import export_settings, print_published
    from thoughtmill.warehouse.export.export import export as write

    asked = {
        "folder": folder,
        "where": where,
        "query": query,
        "layout": layout,
        "columns": columns.split(",") if columns else None,
        "tokens": tokens,
        "snapshot": snapshot,
        "jsonl": jsonl,
        "webdataset": webdataset,
    }
    result = write(_settings(lake), export_settings(asked))
    print_published(result, push_to_hub, private=not public)


@app.command()
def mix(
    config: Annotated[Path, typer.Argument(help="Mix config, such as configs/mixes/sft.yaml.")],
    lake: Annotated[
        str | None, typer.Option(help="Folder of the lake; the config's where none is given.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="Folder to make; the config's otherwise.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override one key: `budget=1000000`.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Print what it would take, no more.")] = False,
    snapshot: Annotated[
        int | None, typer.Option(min=1, help="The lake as it was at this snapshot.")
    ] = None,
    push_to_hub: Annotated[
        str | None, typer.Option(help="Upload to this dataset on Hugging Face; never by itself.")
    ] = None,
    public: Annotated[bool, typer.Option(help="Make a new dataset there public.")] = False,
) -> None:
    """Draw rows by weights up to a budget, and publish them.

    Same lake snapshot, same config: same rows, same order, same bytes.

    Example: `thoughtmill mix configs/mixes/sft.yaml --dry-run`
    """
    from thoughtmill.flows.cli.export_file import print_published
    from thoughtmill.flows.cli.mix_file import dry, load_mix, print_draw
    from thoughtmill.warehouse.mix.record import publish_mix

    settings = load_mix(config, overrides or [], lake=lake, folder=out, snapshot=snapshot)
    if dry_run:
        dry(settings)
        return
    result = publish_mix(settings)
    print_draw(settings, result.mix)
    print_published(result, push_to_hub, private=not public)


@app.command()
def report(
    what: Annotated[
        str | None,
        typer.Argument(
            help="Run id or its beginning, a run's name, or the folder of a published dataset; "
            "the whole lake where none is given."
        ),
    ] = None,
    lake: Lake = _DEFAULT_LAKE,
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    published: Annotated[
        Path | None, typer.Option(help="Dataset folder to count as the last step.")
    ] = None,
    traces: Annotated[int, typer.Option(min=1, max=500, help="Most traces to leaf through.")] = 60,
) -> None:
    """Write a report as one HTML file, and its charts as PNG beside it.

    Example: `thoughtmill report demo --published out/demo --out report.html`
    """
    from thoughtmill.flows.report import write_report

    done = write_report(_settings(lake), out, asked=what, published=published, traces=traces)
    pictures = f"; {len(done.pictures)} charts as PNG in {done.folder}"
    print(f"{done.title}: {done.page}{pictures if done.pictures else ''}")


@app.command()
def verify(
    file: Annotated[str, typer.Argument(help="JSONL file; `-` reads standard input.")],
) -> None:
    """Judge answers against gold answers: JSONL in, JSONL out.

    In: `gold` and `response`, optional `id`, `verifier`, `problem`, `choices`, `constraints` and
    `tests` (code runs in the sandbox).  Out: `id`, `outcome`, `reason`, `verifier`, `score` and all
    further columns; what timed out or can't be told is `undecided`.  How many were decided by which
    tier is said at the end, on standard error.

    Example: `echo '{"gold": "1/2", "response": "So it is 0.5"}' | thoughtmill verify -`
    """
    from thoughtmill.flows.cli.verify_file import verify_file

    verify_file(file, sys.stdout, summary=sys.stderr)


@app.command()
def sandbox(
    file: Annotated[str, typer.Argument(help="JSONL file; `-` reads standard input.")],
) -> None:
    """Run blocks of Python in the sandbox: JSONL in, JSONL out.

    In: `id` and `blocks`, a list of code strings run in one session.  Out: `id` and `results`, per
    block `output`, `error`, `timed_out` and `seconds`.

    Example: `echo '{"id": 1, "blocks": ["x = 6", "x * 7"]}' | thoughtmill sandbox -`
    """
    from thoughtmill.flows.cli.sandbox_file import sandbox_file

    if sandbox_file(file, sys.stdout):
        raise typer.Exit(2)


@app.command()
def maintain(lake: Lake = _DEFAULT_LAKE) -> None:
    """Merge the lake's small files and sweep files that no commit names.

    Safe beside running jobs: only files older than a day count as left behind.

    Example: `thoughtmill maintain --lake lake`
    """
    from thoughtmill.warehouse.maintain import maintain as tidy

    done = tidy(_settings(lake))
    print(f"{done.merged} files merged away, {done.swept} left-behind files swept")


@app.command()
def doctor(
    config: Annotated[Path | None, typer.Argument(help="A run config to check as well.")] = None,
) -> None:
    """Check what this machine can run, and say how to mend what is missing.

    Example: `thoughtmill doctor configs/runs/demo.yaml`
    """
    default_environment()
    from thoughtmill.flows.cli.doctor import examine

    if not examine(config):
        raise typer.Exit(2)


@app.command()
def inspect(
    file: Annotated[str, typer.Argument(help="JSONL, JSON, CSV, Parquet or text file.")],
) -> None:
    """Look at a file's first rows: its columns, the preset that fits, and the config that reads it.

    Example: `thoughtmill inspect data/problems.jsonl`
    """
    from thoughtmill.flows.cli.inspect_source import inspect_source

    for line in inspect_source(file):
        print(line)


@app.command()
def kinds(
    kind: Annotated[
        str | None, typer.Argument(help="Such as `thinking`; all are listed where none is given.")
    ] = None,
) -> None:
    """What a config can choose from, and the keys of one kind: types, defaults and meanings.

    Example: `thoughtmill kinds code_integrated`
    """
    from thoughtmill.flows.cli import reference

    print(reference.kinds(kind))


def _settings(lake: str) -> LakeSettings:
    if lake.endswith((".yaml", ".yml")):
        from thoughtmill.flows.config import load_config

        return load_config(Path(lake)).lake
    return LakeSettings.model_validate(lake)


def main() -> None:
    """Entry point: an error is one line, with exit code 2 where it is of the user's making."""
    try:
        app(standalone_mode=True)
    except ThoughtmillError as exc:
        print(f"thoughtmill: {exc}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except Exception as exc:
        if "--verbose" in sys.argv:
            raise
        print(
            f"thoughtmill: unexpected {in_one_line(exc)}; `thoughtmill --verbose ...` shows where",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()

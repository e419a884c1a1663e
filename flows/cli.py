"""The command line.  Each command imports what it needs, so `sql` and `--help` start at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import ThoughtmillError
from schemas.settings import LakeSettings
from tasks.environment import default_environment

app = typer.Typer(
    name="thoughtmill",
    help="Synthesis of reasoning corpora: documents and problems in, training data with the "
    "thinking written out.",
    no_args_is_help=True,
    add_completion=False,
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


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="Run config, such as configs/runs/demo.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override one key: `teacher.max_num_seqs=64`.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most items per source.")] = None,
    verbose: Annotated[bool, typer.Option(help="Show the libraries' logs too.")] = False,
) -> None:
    """Run a config from its sources to the published dataset.

    Run it again to go on where it was cut off: what is in the lake is not done again.

    Example: `thoughtmill run configs/runs/demo.yaml --limit 20 --set draws=2`
    """
    default_environment(verbose=verbose)
    from flows.config import load_config, preflight

    settings = load_config(config, overrides or [], limit=limit)
    preflight(settings)
    from flows.local_api import local_api
    from flows.summary import print_summary

    with local_api():
        from flows.pipeline import pipeline

        summary = pipeline(config=config, overrides=overrides or [], limit=limit)
    print_summary(summary, settings)
    if summary.stopped:
        raise typer.Exit(130)


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="SQL; a prompt opens where none is given.")
    ] = None,
    lake: Lake = _DEFAULT_LAKE,
    csv: Annotated[bool, typer.Option(help="Print CSV instead of a table.")] = False,
) -> None:
    """Query the lake, read-only.

    Example: `thoughtmill sql "SELECT domain, avg(thinking_tokens) FROM thoughts GROUP BY ALL"`
    """
    from flows import inspect

    if query is None:
        inspect.prompt(_settings(lake))
    else:
        inspect.query(_settings(lake), query, csv=csv)


@app.command()
def status(lake: Lake = _DEFAULT_LAKE) -> None:
    """What the lake holds, and how its runs ended.

    Example: `thoughtmill status --lake lake`
    """
    from flows.inspect import print_status

    print_status(_settings(lake))


@app.command()
def show(
    trace_id: Annotated[str, typer.Argument(help="A trace id, or the start of one.")],
    lake: Lake = _DEFAULT_LAKE,
) -> None:
    """One trace whole: its item, its segments, its scores and where it came from.

    Example: `thoughtmill show 3f2a --lake lake`
    """
    from flows.inspect import print_trace

    print_trace(_settings(lake), trace_id)


@app.command()
def export(
    folder: Annotated[str, typer.Argument(help="Folder to make.")],
    lake: Lake = _DEFAULT_LAKE,
    where: Annotated[str, typer.Option(help="SQL predicate over the view `thoughts`.")] = "true",
    query: Annotated[str | None, typer.Option(help="A whole query instead of `--where`.")] = None,
    snapshot: Annotated[
        int | None, typer.Option(min=1, help="The lake as it was at this snapshot.")
    ] = None,
    jsonl: Annotated[bool, typer.Option(help="Also write JSONL.")] = True,
) -> None:
    """Publish a selection as a folder that `datasets.load_dataset` takes.

    Example: `thoughtmill export out/long --where "thinking_tokens > 100"`
    """
    from schemas.settings import ExportSettings
    from warehouse.export import export as write

    result = write(
        _settings(lake),
        ExportSettings(folder=folder, where=where, query=query, snapshot=snapshot, jsonl=jsonl),
    )
    print(f"{result.rows:,} rows in {result.folder} (lake snapshot {result.snapshot})")
    print(f"python -c \"import datasets; print(datasets.load_dataset('{result.folder}'))\"")


@app.command()
def verify(
    file: Annotated[str, typer.Argument(help="JSONL file; `-` reads standard input.")],
) -> None:
    """Judge answers against gold answers: JSONL in, JSONL out.

    In: `gold` and `response`, optional `id` and `verifier`.  Out: `id`, `outcome`, `reason`,
    `verifier`, `score`; what timed out or can't be told is `undecided`.

    Example: `echo '{"gold": "1/2", "response": "So it is 0.5"}' | thoughtmill verify -`
    """
    from flows.verify_file import verify_file

    verify_file(file, sys.stdout)


@app.command()
def sandbox(
    file: Annotated[str, typer.Argument(help="JSONL file; `-` reads standard input.")],
) -> None:
    """Run blocks of Python in the sandbox: JSONL in, JSONL out.

    In: `id` and `blocks`, a list of code strings run in one session.  Out: `id` and `results`, per
    block `output`, `error`, `timed_out` and `seconds`.

    Example: `echo '{"id": 1, "blocks": ["x = 6", "x * 7"]}' | thoughtmill sandbox -`
    """
    from flows.sandbox_file import sandbox_file

    if sandbox_file(file, sys.stdout):
        raise typer.Exit(2)


@app.command()
def maintain(lake: Lake = _DEFAULT_LAKE) -> None:
    """Merge the lake's small files and sweep files that no commit names.

    Safe beside running jobs: only files older than a day count as left behind.

    Example: `thoughtmill maintain --lake lake`
    """
    from warehouse.maintain import maintain as tidy

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
    from flows.doctor import examine

    if not examine(config):
        raise typer.Exit(2)


def _settings(lake: str) -> LakeSettings:
    if lake.endswith((".yaml", ".yml")):
        from flows.config import load_config

        return load_config(Path(lake)).lake
    return LakeSettings.model_validate(lake)


def main() -> None:
    """Entry point: errors of the user's making are one line and exit code 2."""
    try:
        app(standalone_mode=True)
    except ThoughtmillError as exc:
        print(f"thoughtmill: {exc}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()

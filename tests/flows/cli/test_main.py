"""The command line as a person meets it: exit codes, standard output, and one line of error."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from tests.lakes import committer, draws_shard, settings_of, trace
from thoughtmill.flows.cli.inspect import prompt, query
from thoughtmill.schemas.rows import Trace
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.query import print_query
from thoughtmill.warehouse.runs import begin_run, end_run

ROOT = Path(__file__).parents[3]
COMMANDS = ("run", "sql", "status", "show", "export", "maintain", "doctor")


@pytest.fixture(scope="module")
def lake(small_template, tmp_path_factory) -> str:
    """`small_lake` with a run in its books, read by all tests of this module."""
    folder = tmp_path_factory.mktemp("cli") / "small"
    shutil.copytree(small_template, folder)
    with Lake.create(settings_of(folder)) as opened:
        begin_run(opened, "run-1", name="tiny", stage="synthesize", config="{}")
        end_run(opened, "run-1", stage="synthesize", state="done", summary={})
    return str(folder)


def thoughtmill(*arguments: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "thoughtmill.flows.cli.main", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160", "NO_COLOR": "1", **env},
        check=False,
        timeout=120,
    )


def answer(*arguments: str, **settings) -> str:
    """Standard output of a command that goes well and says nothing on standard error."""
    done = thoughtmill(*arguments, **settings)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def complaint(*arguments: str, **settings) -> str:
    """The one line of a command that is used wrongly."""
    done = thoughtmill(*arguments, **settings)
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("thoughtmill: ")
    return line.removeprefix("thoughtmill: ")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_when_asked_then_it_shows_an_example(command):
    assert f"Example: thoughtmill {command}" in answer(command, "--help")


def test_help_when_nothing_is_asked_then_all_commands_are_listed():
    done = thoughtmill("--help")
    assert done.returncode == 0
    assert all(f" {command} " in done.stdout for command in COMMANDS)


def test_sql_when_printed_as_csv_then_values_come_back(lake):
    query = "SELECT domain, count(*) AS traces FROM thoughts GROUP BY ALL ORDER BY ALL"
    printed = answer("sql", query, "--lake", lake, "--csv")
    assert list(csv.DictReader(io.StringIO(printed))) == [
        {"domain": "hills", "traces": "4"},
        {"domain": "rivers", "traces": "1"},
    ]


def test_sql_when_csv_has_lists_structs_and_maps_then_they_are_json(lake):
    query = "SELECT MAP {'a': 1} AS m, [1, 2] AS l, {'x': 'y'} AS \"a b\""
    (row,) = csv.DictReader(io.StringIO(answer("sql", query, "--lake", lake, "--csv")))
    assert row == {"m": '{"a":1}', "l": "[1,2]", "a b": '{"x":"y"}'}


def test_sql_when_csv_has_kinds_that_are_no_numbers_or_texts_then_they_are_written_as_text(lake):
    query = (
        "SELECT INTERVAL 2 DAY AS i, '\\xAB'::BLOB AS b, 2::HUGEINT << 99 AS h,"
        " '101'::BIT AS t, '6b23ab10-0e3c-4f3e-8a3c-0c0a1f0e7d11'::UUID AS u, "
        "DATE '2024-01-31' AS day, NULL AS n"
    )
    (row,) = csv.DictReader(io.StringIO(answer("sql", query, "--lake", lake, "--csv")))
    assert row == {
        "i": "2 days",
        "b": "\\xAB",
        "h": str(2**100),
        "t": "101",
        "u": "6b23ab10-0e3c-4f3e-8a3c-0c0a1f0e7d11",
        "day": "2024-01-31",
        "n": "",
    }


def test_query_when_interrupted_then_the_lake_takes_the_next_one(small, capsys):
    endless = "SELECT count(*) FROM range(1000000000) AS a, range(1000000000) AS b"
    with Lake.open(small) as opened:
        # Whenever it comes, before the query, during it or after: it is a KeyboardInterrupt.
        Timer(2.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            print_query(opened, endless, csv=True)
        print_query(opened, "SELECT 41 + 1 AS n", csv=True)
    assert capsys.readouterr().out.split() == ["n", "42"]


def test_sql_when_interrupted_then_one_line_says_so_and_a_prompt_takes_the_next_query(
    small, monkeypatch, capsys
):
    answers = iter(["FROM traces;", "SELECT 41 + 1 AS n;"])
    pending = iter([KeyboardInterrupt])

    def interrupted_once(*args, **options):
        for error in pending:
            raise error
        print_query(*args, **options)

    def answer(_prompt=""):
        for line in answers:
            return line
        raise EOFError

    monkeypatch.setattr("thoughtmill.flows.cli.inspect.print_query", interrupted_once)
    monkeypatch.setattr("builtins.input", answer)
    prompt(small)
    said = capsys.readouterr()
    assert "thoughtmill: the query was interrupted\n" in said.err
    assert "42" in said.out
    pending = iter([KeyboardInterrupt])
    with pytest.raises(KeyboardInterrupt):
        query(small, "FROM traces")
    assert capsys.readouterr().err == "thoughtmill: the query was interrupted\n"


def test_sql_when_a_long_text_is_asked_for_then_the_table_shows_it(lake):
    printed = answer("sql", "SELECT max(thinking) AS thinking FROM thoughts", "--lake", lake)
    assert "Thought 4.0: it runs down because it is heavy." in printed


def test_sql_when_the_lake_is_named_by_environment_or_config_then_it_is_found(lake, tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text(
        f"name: tiny\nlake: {lake}\nsources: [{{kind: jsonl, path: a.jsonl}}]\n"
        "recipe: {kind: thinking}\nteacher: {kind: scripted}\n"
    )
    asked = ("sql", "SELECT count(*) AS n FROM traces", "--csv")
    assert answer(*asked, THOUGHTMILL_LAKE=lake) == "n\n5\n"
    assert answer(*asked, "--lake", str(config)) == "n\n5\n"


def test_sql_when_no_query_is_given_then_a_prompt_answers_until_its_input_ends(lake):
    done = subprocess.run(
        [sys.executable, "-m", "thoughtmill.flows.cli.main", "sql", "--lake", lake],
        input="SELECT count(*)\nFROM traces;\nFROM nowhere;\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0
    assert "thoughts" in done.stdout.splitlines()[0]
    assert "│            5 │" in done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere" in done.stderr


def test_status_when_a_lake_has_rows_then_it_counts_them_and_shows_its_runs(lake):
    printed = answer("status", "--lake", lake)
    assert "8 items, 5 traces, 1 drops, 5 scores" in printed
    assert "run-1" in printed
    assert "done" in printed


def test_show_when_the_start_of_an_id_is_given_then_the_whole_trace_is_shown(lake):
    made = trace(2)
    printed = answer("show", made.trace_id[:10], "--lake", lake)
    for part in (made.trace_id, made.item_id, "pico r1", "Thought 2.0: it runs down", "0.250"):
        assert part in printed


def test_show_when_values_look_like_markup_then_they_are_shown_as_they_are(small):
    made: Trace = trace(0, 1, answer="[/b] [red]3[/red]")
    with Lake.create(small) as opened:
        committer(opened).commit(draws_shard(small, [made], [0]))
    printed = answer("show", made.trace_id, "--lake", str(Path(small.data).parent))
    assert "[/b] [red]3[/red]" in printed


def test_export_when_done_then_it_says_how_many_rows_and_how_to_load_them(lake, tmp_path):
    where = "domain = 'hills'"
    out = str(tmp_path / "out")
    printed = answer("export", out, "--lake", lake, "--where", where, "--no-jsonl")
    assert printed.startswith(f"4 rows in {out} (lake snapshot ")
    assert f"datasets.load_dataset('{out}')" in printed
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md",
        "data",
        "thoughtmill.json",
    ]


def test_maintain_when_run_then_files_are_fewer_and_rows_the_same(small):
    folder = str(Path(small.data).parent)
    assert answer("maintain", "--lake", folder).startswith("4 files merged away, 0 ")
    with Lake.open(small) as opened:
        assert opened.one("SELECT count(DISTINCT thinking) FROM thoughts") == 5


def test_sql_when_the_reader_of_its_output_goes_away_then_it_ends_quietly(lake):
    query = "SELECT repeat('x', 100) FROM range(9999)"
    command = f'{sys.executable} -m flows.cli sql "{query}" --csv --lake {lake} | head -n 1'
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=True, timeout=120
    )
    assert done.stderr == ""


def test_sandbox_when_the_reader_of_its_output_goes_away_then_it_ends_quietly(tmp_path):
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt-get install bubblewrap")
    rows = (json.dumps({"id": n, "blocks": ["'x' * 9999"]}) for n in range(40))
    (tmp_path / "blocks.jsonl").write_text("\n".join(rows))
    command = f"{sys.executable} -m flows.cli sandbox {tmp_path / 'blocks.jsonl'} | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=True, timeout=120
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["id"] == 0


def test_run_when_the_prefect_api_is_not_there_then_one_line_says_so(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api"
    asked = ("run", "configs/runs/demo.yaml", "--set", f"lake={tmp_path / 'lake'}")
    folder = f"publish.folder={tmp_path / 'out'}"
    said = complaint(*asked, "--set", folder, PREFECT_API_URL=url)
    assert said == f"no Prefect API at {url}: start it, or unset PREFECT_API_URL"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("sql", "SELECT 1", "--lake", "no-such-lake"), "no lake at no-such-lake: start a run"),
        (("maintain", "--lake", "no-such-lake"), "no lake at no-such-lake"),
        (("run", "no-such-config.yaml"), "no-such-config.yaml: No such file or directory"),
        (("run", "configs/runs/demo.yaml", "--set", "drawz=1"), "did you mean 'draws'?"),
    ],
)
def test_error_when_there_is_nothing_to_work_on_then_one_line_says_so(arguments, part, tmp_path):
    assert part in complaint(*arguments)
    assert not (ROOT / "no-such-lake").exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("sql", "FROM nowhere"), "nowhere"),
        (("sql", "DROP TABLE items"), "read-only"),
        (("show", "zz"), "no trace in"),
        (("show", ""), "more than one trace"),
        (("export", "{tmp}/out", "--where", "colour = 'red'"), "colour = 'red'"),
        (("export", "{tmp}/out", "--snapshot", "99999"), "No snapshot found at version 99999"),
        (("export", "configs"), "configs holds something that is no export"),
    ],
)
def test_error_when_the_lake_is_asked_wrongly_then_one_line_says_so(
    lake, tmp_path, arguments, part
):
    asked = [argument.replace("{tmp}", str(tmp_path)) for argument in arguments]
    assert part in complaint(*asked, "--lake", lake)
    assert list(tmp_path.iterdir()) == []


def test_export_when_an_option_is_out_of_range_then_it_is_a_usage_error(lake, tmp_path):
    done = thoughtmill("export", str(tmp_path / "out"), "--snapshot", "-1", "--lake", lake)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr

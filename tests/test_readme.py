"""Every command of the README runs here, in the README's order, as a person would type it.

What a test machine lacks is put in beside the command, never in place of it: a loopback server,
pico where the README asks for a model that needs a GPU and a network.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

import pytest

from tests.loopback import Loopback, loopback_server

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^## (.+?)$|^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PICO = ("--set", "teacher=configs/teachers/pico.yaml")

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def commands(section: str) -> list[str]:
    """The command lines of one section's code blocks."""
    found, here = [], ""
    for title, block in BLOCKS:
        here = title or here
        if block and here == section:
            found += [line.split("  #")[0].strip() for line in block.splitlines() if line.strip()]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a fresh clone, in which lakes and exports may be made."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("configs", "models", "deploy", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def run(home: Path, command: str, *more: str, **environment: str) -> str:
    """Run one command line to its end; its standard output."""
    words = shlex.split(command)
    bin_ = Path(sys.executable).parent
    words[0] = str(bin_ / words[0])
    done = subprocess.run(
        [*words, *more],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    # Engines and servers are quiet: what is on the terminal is our own progress.
    assert len(done.stderr.splitlines()) < 80, done.stderr
    return done.stdout


def test_make_verbs_of_the_readme_are_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = {line.split()[1] for line in commands("Two commands")}
    assert wanted == {"demo", "test"}
    assert wanted <= targets


def test_shell_sql_and_export_sections_when_typed_in_order_then_all_succeed(home: Path) -> None:
    for command in commands("Run once, from the shell"):
        more = ()
        if "/tmp/thoughtmill-try" in command:
            more = ("--set", f"lake={home / 'try'}")
        out = run(home, command, *more)
        if command == "thoughtmill run configs/runs/demo.yaml":
            assert "traces" in out
            assert "thoughtmill show" in out
    for command in commands("Look, with SQL"):
        assert run(home, command).strip()
    for command in commands("Export"):
        out = run(home, command)
    assert "num_rows" in out
    trace = run(home, 'thoughtmill sql "SELECT min(trace_id) FROM traces" --csv').split()[-1]
    assert trace in run(home, f"thoughtmill show {trace[:10]}")
    assert "swept" in run(home, "thoughtmill maintain")


def test_judge_section_when_typed_then_gives_a_verdict_a_row(home: Path) -> None:
    pairs = ({"gold": "27", "response": "It is 27.0."}, {"gold": "27", "response": "It is 28."})
    (home / "answers.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    (command,) = commands("Judge answers")
    rows = [json.loads(line) for line in run(home, command).splitlines()]
    assert [row["outcome"] for row in rows] == ["correct", "incorrect"]


def test_sandbox_section_when_typed_then_blocks_share_a_session(home: Path) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt-get install bubblewrap")
    (home / "blocks.jsonl").write_text(json.dumps({"id": 1, "blocks": ["x = 6", "x * 7"]}))
    (command,) = commands("Run code in the sandbox")
    (row,) = map(json.loads, run(home, command).splitlines())
    assert [result["output"].strip() for result in row["results"]] == ["", "42"]


def test_grading_code_annotation_and_curation_sections_when_typed_in_order_then_all_succeed(
    home: Path,
) -> None:
    for section in ("Solve, judge, grade", "Reason with Python", "Explain given answers"):
        if section == "Reason with Python" and shutil.which("bwrap") is None:
            continue
        for command in commands(section):
            assert run(home, command).strip()
    for command in commands("Curate, mix, look"):
        assert run(home, command).strip()
    assert (home / "report.html").read_text().startswith("<!doctype html")


def test_gpu_section_when_run_with_pico_on_local_documents_then_succeeds(home: Path) -> None:
    install, doctor, command = commands("A real model on a GPU")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert re.search(r"\.\[(\w+)\]", install)[1] in extras  # type: ignore[index]
    assert doctor == "thoughtmill doctor configs/runs/tpt.yaml"
    local = "sources.0={kind: jsonl, path: configs/data/documents.jsonl, limit: 10}"
    small = ("--set", "recipe.document_tokens=512", "--set", "recipe.sampling.max_tokens=512")
    out = run(home, command, *PICO, "--set", local, *small, "--set", f"lake={home / 'gpu'}")
    assert "published" in out


@pytest.fixture
def server() -> Iterator[Loopback]:
    text = "Some long thinking about {prompt}, word by word, " * 3 + "</think>"
    long = Loopback(reply=text, returns_ids=False)  # its ids are bytes, not those of the tokenizer
    with loopback_server(long) as running:
        yield running


def test_endpoint_section_when_run_against_a_loopback_server_then_succeeds(
    home: Path, server: Loopback
) -> None:
    export, serve, command = commands("A model behind an endpoint")
    words = dropwhile(lambda word: re.match(r"[A-Z_]+=", word), shlex.split(serve))
    assert list(words)[:3] == ["python", "-m", "vllm.entrypoints.openai.api_server"]
    name, key = export.removeprefix("export ").split("=")
    model = ("--set", f"teacher.base_url={server.url}", "--set", f"teacher.model={server.model}")
    out = run(home, command, *model, "--set", f"lake={home / 'endpoint'}", **{name: key})
    assert "published" in out


def test_schedule_section_when_read_then_is_what_the_deployment_test_does() -> None:
    tested = "\n".join(path.read_text() for path in (ROOT / "tests" / "deploy").glob("*.py"))
    exports, *typed = commands("On a schedule")
    assert exports.startswith("export PREFECT_API_URL=")
    for command in typed:
        verb = " ".join(shlex.split(command)[1:3]).replace("--no-prompt deploy", "deploy")
        assert all(word.strip('"') in tested for word in verb.split()), command

"""Real solver programs through `thoughtmill sandbox`'s function."""

from __future__ import annotations

import io
import json
import shutil

import pytest

from tests.tasks.sandbox.solvers import SOLVERS
from thoughtmill.flows.cli.sandbox_file import sandbox_file
from thoughtmill.tasks.sandbox import BubblewrapSandbox

pytestmark = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="needs bubblewrap: apt-get install bubblewrap"
)


def test_solvers_when_run_through_the_sandbox_print_the_answers(tmp_path):
    file = tmp_path / "programs.jsonl"
    rows = [{"id": solver.id, "blocks": solver.blocks} for solver in SOLVERS]
    file.write_text("\n".join(map(json.dumps, rows)))
    out = io.StringIO()

    assert sandbox_file(file, out, BubblewrapSandbox(timeout_s=120)) == 0

    done = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["id"] for row in done] == [solver.id for solver in SOLVERS]
    assert {row["id"]: [r["error"] for r in row["results"] if r["error"]] for row in done} == {
        solver.id: [] for solver in SOLVERS
    }
    assert {row["id"]: row["results"][-1]["output"].splitlines()[-1] for row in done} == {
        solver.id: solver.answer for solver in SOLVERS
    }

"""JSONL in, JSONL out, through the sandbox."""

from __future__ import annotations

import io
import json
import shutil
import sys

import pytest

from tests.tasks.sandbox.conftest import SMALL
from thoughtmill.flows.cli.sandbox_file import sandbox_file
from thoughtmill.schemas.errors import ConfigError

SETTINGS = SMALL.model_copy(update={"preload": (), "timeout_s": 0.5})

pytestmark = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="needs bubblewrap: apt-get install bubblewrap"
)


def test_file_when_run_gives_a_row_a_line_in_the_order_of_the_input(tmp_path):
    rows = [{"id": n, "blocks": [f"x = {n}", "x * x"]} for n in range(20)]
    rows.insert(0, {"id": "slow", "blocks": ["import time; time.sleep(0.3)"]})
    file = tmp_path / "in.jsonl"
    file.write_text("\n\n".join(map(json.dumps, rows)))
    out = io.StringIO()

    bad = sandbox_file(file, out, SETTINGS)

    done = [json.loads(line) for line in out.getvalue().splitlines()]
    assert bad == 0
    assert [row["id"] for row in done] == [row["id"] for row in rows]
    assert [row["results"][1]["output"] for row in done[1:]] == [f"{n * n}\n" for n in range(20)]
    assert set(done[0]["results"][0]) == {"output", "error", "timed_out", "seconds"}


def test_standard_input_when_lines_are_bad_gives_rows_with_an_error(monkeypatch):
    lines = [
        b'{"id": "a", "blocks": ["1/0", "2"]}',
        b"{nonsense",
        b'{"id": "c", "blocks": "not a list"}',
        b'{"id": "d"}',
        b"[1]",
        b'{"id": "e", "blocks": [], "more": 1}',
        b'{"id": "f", "blocks": ["while True: pass", "1"]}',
        b'{"id": "g", "blocks": []}',
    ]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n".join(lines))))
    out = io.StringIO()

    bad = sandbox_file("-", out, SETTINGS)

    done = [json.loads(line) for line in out.getvalue().splitlines()]
    assert bad == 4
    assert [row["id"] for row in done] == ["a", None, "c", "d", None, "e", "f", "g"]
    assert ["error" in row for row in done] == [False, *[True] * 4, *[False] * 3]
    assert done[1]["error"].startswith("line 2: not JSON")
    assert done[2]["error"].startswith("line 3: blocks: ")
    assert "ZeroDivisionError" in done[0]["results"][0]["error"]
    assert done[0]["results"][1]["output"] == "2\n"
    assert done[6]["results"][0]["timed_out"]
    assert done[6]["results"][1]["error"].startswith("SessionEnded")
    assert done[7]["results"] == []
    assert done[5] == {"id": "e", "results": [], "more": 1}


def test_file_when_it_is_not_there_is_the_users_mistake(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        sandbox_file(tmp_path / "none.jsonl", io.StringIO(), SETTINGS)

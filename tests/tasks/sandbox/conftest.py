"""One started sandbox for the tests of a module, and the loop it lives on."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from thoughtmill.tasks.sandbox import BubblewrapSandbox, Sandbox

SMALL = BubblewrapSandbox(
    preload=("numpy",),
    memory_mib=256,
    tmp_mib=16,
    processes=16,
    idle_s=0.3,
    blocks_at_once=8,
)


@pytest.fixture(scope="module")
def runner():
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt-get install bubblewrap")
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def sandbox(runner):
    sandbox = Sandbox(SMALL)
    runner.run(sandbox.start())
    yield sandbox
    runner.run(sandbox.close())

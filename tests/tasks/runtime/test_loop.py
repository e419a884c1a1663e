"""A process with an event loop under way ends as it means to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# The C library's exit handler keeps the process for two seconds after the interpreter is gone,
# as large libraries do; the timer fires in that time.
ENDS_SLOWLY = """
import asyncio, ctypes, sys
from thoughtmill.tasks.runtime.loop import looping

async def tick():
    while True:
        await asyncio.sleep(1.2)

asyncio.run_coroutine_threadsafe(tick(), looping())
libc = ctypes.CDLL(None)
libc.on_exit(ctypes.cast(libc.sleep, ctypes.c_void_p), None)
sys.exit(2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="on_exit is glibc's")
def test_loop_when_the_interpreter_ends_before_its_next_timer_then_the_exit_status_is_kept():
    done = subprocess.run(
        [sys.executable, "-c", ENDS_SLOWLY], cwd=Path(__file__).parents[3], check=False, timeout=60
    )
    assert done.returncode == 2

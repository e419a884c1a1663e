"""What an honest program may count on."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time

import pytest
import uvloop
from pydantic import TypeAdapter, ValidationError

from tests.tasks.sandbox.conftest import SMALL
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sandbox import (
    BubblewrapSandbox,
    SandboxConfig,
    UnsafeProcessSandbox,
    open_sandbox,
)


def blocks(runner, sandbox, *codes, **options):
    """The results of these blocks in one session."""

    async def work():
        async with sandbox.session() as session:
            return [await session.run(code, **options) for code in codes]

    return runner.run(work())


@pytest.mark.parametrize(
    ("codes", "output"),
    [
        (["2 + 3"], "5\n"),
        (["x = 2", "x + 1"], "3\n"),
        (["print('a')\n'b'"], "a\n'b'\n"),
        (["1; 2;"], ""),
        (["None"], ""),
        (["_ = 7", "8", "_"], "8\n"),
        (["def f():\n    return 4", "f()"], "4\n"),
        (["import sys\nprint('to', file=sys.stderr)"], "to\n"),
        (["import os\nos.write(1, b'raw\\n');"], "raw\n"),
        (["import sys\nsys.stdout.buffer.write(b'bytes\\n');"], "bytes\n"),
        (["from fractions import Fraction\nFraction(1, 3) + Fraction(1, 6)"], "Fraction(1, 2)\n"),
        (["import sympy\nsympy.factorint(360)"], "{2: 3, 3: 2, 5: 1}\n"),
        (["import scipy.optimize as o\nround(o.brentq(lambda x: x * x - 2, 0, 2), 6)"], "1.414214"),
        (["import pandas\npandas.Series([1, 2]).sum()"], "np.int64(3)\n"),
        (["len(str(2**20000))"], "6021\n"),
        (["__name__"], "'__main__'\n"),
        (["import asyncio\nasync def f():\n    return 9\nasyncio.run(f())"], "9\n"),
        (["from multiprocessing import Pool\nwith Pool(2) as p: print(p.map(abs, [-1]))"], "[1]\n"),
        (["open('/tmp/f', 'w').write('kept');", "open('f').read()"], "'kept'\n"),
        (["'\\ud800'.encode('utf-8', 'replace')\nprint('\\ud800')"], "?\n"),
    ],
)
def test_block_when_run_prints_and_echoes_as_a_notebook_would(runner, sandbox, codes, output):
    results = blocks(runner, sandbox, *codes)

    assert [result.error for result in results] == [None] * len(codes)
    assert results[-1].output.startswith(output) if output else results[-1].output == ""
    assert results[-1].text == results[-1].output


def test_block_when_it_raises_gives_its_output_and_a_traceback_of_its_own_frames(runner, sandbox):
    first, second = blocks(runner, sandbox, "def f():\n    1 / 0", "print('before')\nf()")

    assert first.error is None
    assert second.output == "before\n"
    assert second.error == (
        "Traceback (most recent call last):\n"
        '  File "<block 2>", line 2, in <module>\n'
        "    f()\n"
        '  File "<block 1>", line 2, in f\n'
        "    1 / 0\n"
        "    ~~^~~\n"
        "ZeroDivisionError: division by zero\n"
    )
    assert second.text == second.output + second.error
    assert not second.timed_out


def test_block_when_it_is_not_python_says_where(runner, sandbox):
    wrong, after = blocks(runner, sandbox, "x = (", "'fine'")

    assert wrong.error.endswith("SyntaxError: '(' was never closed\n")
    assert 'File "<block 1>", line 1' in wrong.error
    assert after.output == "'fine'\n"


def test_output_when_long_is_cut_to_head_and_tail(runner, sandbox):
    (result,) = blocks(runner, sandbox, "print('a' * 1000 + 'b' * 1000)\n1 / 0")

    assert result.output == f"{'a' * 400}\n... [1201 characters left out] ...\n{'b' * 399}\n"
    assert result.text.startswith("a" * 400)
    assert result.text.endswith("ZeroDivisionError: division by zero\n")


def test_session_when_a_block_times_out_keeps_its_output_and_ends(runner, sandbox):
    slow, after = blocks(runner, sandbox, "print('so far')\nwhile True: pass", "1", timeout_s=0.3)

    assert slow.timed_out
    assert slow.output == "so far\n"
    assert slow.error == "TimeoutError: the block ran longer than 0.3 s; the session has ended"
    assert slow.text == f"so far\n\n{slow.error}"
    assert after.error == "SessionEnded: a block ran longer than 0.3 s"
    assert not after.timed_out


def test_sessions_when_side_by_side_share_nothing(runner, sandbox):
    async def work():
        async with sandbox.session() as one, sandbox.session() as two:
            await one.run("import math\nmath.pi = 3\nopen('/tmp/f', 'w').close()\nx = 1")
            return await two.run("import math, os\nmath.pi > 3.1, os.listdir('/tmp'), 'x' in dir()")

    assert runner.run(work()).output == "(True, [], False)\n"


def test_session_when_seeded_draws_the_same_numbers_and_else_others(runner, sandbox):
    code = "import random, numpy\nrandom.random(), numpy.random.rand()"

    async def draw(seed):
        async with sandbox.session(seed=seed) as session:
            return (await session.run(code)).output

    async def work():
        return [await draw(seed) for seed in (5, 5, None, None)]

    drawn = runner.run(work())
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_sessions_when_hundreds_are_asked_for_on_uvloop_all_answer_within_the_bound():
    settings = SMALL.model_copy(update={"preload": (), "sessions": 40})
    alive = most = 0

    async def one(sandbox, number):
        nonlocal alive, most
        async with sandbox.session() as session:
            alive += 1
            most = max(most, alive)
            await session.run(f"x = {number}")
            result = await session.run("x * 2")
            alive -= 1
            return int(result.output)

    async def work():
        async with open_sandbox(settings) as sandbox:
            return await asyncio.gather(*(one(sandbox, number) for number in range(200)))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(work()) == [2 * number for number in range(200)]
    assert most <= 40


def test_parent_when_killed_is_replaced_and_its_sessions_say_so(runner, sandbox):
    async def work():
        async with sandbox.session() as session:
            os.kill(sandbox.pid, signal.SIGKILL)
            lost = await session.run("import time; time.sleep(20)")
        async with sandbox.session() as session:
            return lost, await session.run("2")

    lost, found = runner.run(work())
    assert lost.error.startswith("SessionEnded: ")
    assert found.output == "2\n"


def test_session_when_its_run_is_cancelled_ends(runner, sandbox):
    async def work():
        async with sandbox.session() as session:
            running = asyncio.create_task(session.run("while True: pass", timeout_s=60))
            await asyncio.sleep(0.1)
            running.cancel()
            await asyncio.wait([running])
            return await session.run("1")

    assert runner.run(work()).error == "SessionEnded: a block was abandoned"


def test_thread_when_its_session_rests_gets_no_time(runner, sandbox):
    spin = "import threading, time\nn = 0\ndef spin():\n    global n\n    while True: n += 1\n"
    spin += "threading.Thread(target=spin, daemon=True).start()"
    used = "sum(__import__('os').times()[:2])"

    async def work():
        async with sandbox.session() as session:
            await session.run(spin)
            await asyncio.sleep(1.0)
            before = float((await session.run(used)).output)
            await asyncio.sleep(3.0)
            after = float((await session.run(used)).output)
            return after - before

    assert runner.run(work()) < 1.5


def test_session_when_its_cpu_time_is_used_up_is_killed():
    settings = SMALL.model_copy(update={"preload": (), "cpu_s": 1})

    async def work():
        async with open_sandbox(settings) as sandbox, sandbox.session() as session:
            return await session.run("while True: pass", timeout_s=60)

    assert "CPU time" in asyncio.run(work()).error


def test_largest_session_when_all_hold_too_much_is_killed_and_others_go_on():
    settings = SMALL.model_copy(update={"preload": (), "total_memory_mib": 150})

    async def work():
        async with (
            open_sandbox(settings) as sandbox,
            sandbox.session() as small,
            sandbox.session() as large,
        ):
            await small.run("a = b'x' * (20 << 20)")
            greedy = "a = b'x' * (180 << 20)\nimport time; time.sleep(60)"
            taken = await large.run(greedy, timeout_s=30)
            return taken, await small.run("len(a)")

    taken, kept = asyncio.run(work())
    assert taken.error == (
        "SessionEnded: all sessions together held more than 150 MiB, and it held the most"
    )
    assert kept.output == f"{20 << 20}\n"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bwrap": "no-such-bwrap"}, "apt-get install bubblewrap"),
        ({"packages": ("no-such-package",)}, "pip install no-such-package"),
        ({"preload": ("no_such_module",)}, "No module named 'no_such_module'"),
    ],
)
def test_sandbox_when_something_is_missing_refuses_to_start_and_says_what(runner, changes, says):
    async def work():
        async with open_sandbox(SMALL.model_copy(update=changes)):
            pass

    with pytest.raises(ConfigError, match=says):
        runner.run(work())


def test_unsafe_process_when_asked_for_by_name_warns_and_works(caplog):
    settings = TypeAdapter(SandboxConfig).validate_python("unsafe-process")
    settings = settings.model_copy(update={"preload": ()})

    async def work():
        async with open_sandbox(settings) as sandbox, sandbox.session() as session:
            first = await session.run("x = 4\nimport os\nos.getpid()")
            second = await session.run("x")
            slow = await session.run("while True: pass", timeout_s=0.3)
            return first, second, slow

    with caplog.at_level(logging.WARNING):
        first, second, slow = asyncio.run(work())

    assert isinstance(settings, UnsafeProcessSandbox)
    assert second.output == "4\n"
    assert slow.timed_out
    assert "runs with your rights" in caplog.text
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{int(first.output)}") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not os.path.exists(f"/proc/{int(first.output)}")


def test_settings_when_read_take_a_kind_or_a_mapping_and_refuse_the_rest():
    adapter = TypeAdapter(SandboxConfig)

    assert adapter.validate_python("bubblewrap") == BubblewrapSandbox()
    assert adapter.validate_python({"kind": "bubblewrap", "memory_mib": 5}).memory_mib == 5
    with pytest.raises(ValidationError):
        adapter.validate_python("none")
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "bubblewrap", "memory": 5})
    with pytest.raises(ValidationError):
        adapter.validate_python({})

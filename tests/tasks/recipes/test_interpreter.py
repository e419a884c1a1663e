from __future__ import annotations

import asyncio
import shutil

import pytest

from tests.dialogues import PROBLEM, Desk, Player, kit_of, parts
from thoughtmill.tasks.recipes import CodeIntegrated
from thoughtmill.tasks.recipes.interpreter import Interpreter, Limits
from thoughtmill.tasks.sandbox import BubblewrapSandbox, Sandbox
from thoughtmill.tasks.teachers.scripted import ByteTokens


@pytest.fixture(scope="module")
def runner():
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt-get install bubblewrap")
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def sandbox(runner):
    sandbox = Sandbox(BubblewrapSandbox(preload=(), memory_mib=256, idle_s=0.3))
    runner.run(sandbox.start())
    yield sandbox
    runner.run(sandbox.close())


def outputs(runner, sandbox, *codes: str, **limits) -> list[str]:
    async def talk() -> list[str]:
        async with Interpreter(sandbox, 7, Limits(**limits)) as python:
            return [await python.run(code) for code in codes]

    return runner.run(talk())


def test_interpreter_when_blocks_follow_each_other_then_names_stay_defined(runner, sandbox):
    assert outputs(runner, sandbox, "x = 20", "x += 22\nx", "print(x)") == ["", "42", "42"]


def test_interpreter_when_a_block_fails_then_the_traceback_is_shown_and_state_stays(
    runner, sandbox
):
    defined, failed, after = outputs(runner, sandbox, "x = 1", "y = 2\nx / 0", "x + y")
    assert (defined, after) == ("", "3")
    assert failed.startswith("Traceback (most recent call last):")
    assert failed.endswith("ZeroDivisionError: division by zero")


def test_interpreter_when_much_is_printed_then_head_and_tail_are_kept(runner, sandbox):
    (text,) = outputs(runner, sandbox, "print('a' * 5000 + 'b' * 5000)")
    assert text.startswith("a" * 400 + "\n")
    assert text.endswith("\n" + "b" * 399)
    assert "characters left out" in text


def test_interpreter_when_a_block_takes_too_long_then_it_says_so_and_the_next_starts_afresh(
    runner, sandbox
):
    code = "x = 1", "while True: pass", "x"
    _, late, after = outputs(runner, sandbox, *code, timeout_s=0.5)
    assert "longer than 0.5 s" in late
    assert "the session has ended" in late
    assert after.endswith("NameError: name 'x' is not defined")


def test_interpreter_when_two_traces_run_then_they_share_nothing(runner, sandbox):
    assert outputs(runner, sandbox, "x = 1")[0] == ""
    assert "NameError" in outputs(runner, sandbox, "x")[0]


def test_interpreter_when_seeds_are_equal_then_random_numbers_are_too(runner, sandbox):
    code = "import random\nrandom.random()"
    assert outputs(runner, sandbox, code) == outputs(runner, sandbox, code)


@pytest.mark.parametrize(
    ("calls", "told"),
    [(1, ["1\n[over]", "[over]", "[over]"]), (2, ["1", "[over]", "[over]"])],
)
def test_interpreter_when_the_last_call_is_made_then_the_notice_follows_and_nothing_runs_after(
    runner, calls, told
):
    desk = Desk(("1", ""))
    assert outputs(runner, desk, "a", "b", "c", max_calls=calls, notice="[over]") == told
    assert len(desk.ran) == calls


def test_code_integrated_when_code_really_runs_then_state_lasts_over_a_trace_and_not_beyond(
    runner, sandbox
):
    async def one() -> list[str]:
        turns = (
            "```python\ntotal = sum(range(101))\n```\n",
            "```python\nprint(total)\ntotal % 7\n```\n",
            "```python\nprint(undefined)\n```\n",
            "So.\n</think>\n\n\\boxed{3}",
        )
        recipe = CodeIntegrated(mode="plain")
        kit = kit_of(recipe, Player(turns, ByteTokens(), eos=256), sandbox)
        (trace,) = await recipe(PROBLEM, kit)
        return [text for kind, text in parts(trace) if kind == "output"]

    async def many() -> list[list[str]]:
        return await asyncio.gather(*(one() for _ in range(20)))

    for quiet, shown, failed in runner.run(many()):
        assert quiet == "```output\n\n```\n"
        assert shown == "```output\n5050\n3\n```\n"
        assert "NameError: name 'undefined' is not defined\n```\n" in failed

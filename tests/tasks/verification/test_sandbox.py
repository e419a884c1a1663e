from __future__ import annotations

import asyncio
import json
import shutil

import pytest

from thoughtmill.tasks.sandbox import BubblewrapSandbox
from thoughtmill.tasks.verification.sandbox import Programs, program_sandbox
from thoughtmill.tasks.verifiers import Claim, Execution, Helpers

SMALL = BubblewrapSandbox(preload=(), memory_mib=256, tmp_mib=16, processes=16)


@pytest.fixture(scope="module")
def runner():
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt-get install bubblewrap")
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def programs(runner):
    sandbox = program_sandbox(SMALL)
    runner.run(sandbox.start())
    yield Programs(sandbox)
    runner.run(sandbox.close())


@pytest.mark.parametrize(
    ("code", "stdin", "stdout"),
    [
        ("print(int(input()) * 2)", "21\n", "42\n"),
        ("import sys\nfor line in sys.stdin: print(line.strip()[::-1])", "ab\ncd\n", "ba\ndc\n"),
        ("import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())", "é", "é"),
        ("print(open(0).read())", "x", "x\n"),
        ("import os\nos.write(1, b'raw')", "", "raw"),
        ("import sys\nprint('out')\nprint('err', file=sys.stderr)", "", "out\n"),
        ("print('n' * 2000)", "", "n" * 2000 + "\n"),
        ("if __name__ == '__main__': print('main')", "", "main\n"),
        ("6 * 7", "", ""),
        ("def f(n): return n and f(n - 1)\nprint(f(3))", "", "0\n"),
        ("import sys\nprint(1)\nsys.exit()", "", "1\n"),
    ],
)
def test_program_when_it_reads_and_writes_then_its_output_is_its_own(
    runner, programs, code, stdin, stdout
):
    run = runner.run(programs(code, stdin=stdin, timeout_s=10))
    assert (run.stdout, run.exit_code, run.timed_out) == (stdout, 0, False)


@pytest.mark.parametrize(
    ("code", "exit_code", "timed_out", "out_of_memory"),
    [
        ("raise ValueError('no')", 1, False, False),
        ("syntax error", 1, False, False),
        ("import sys\nsys.exit(3)", 3, False, False),
        ("import sys\nsys.exit('text')", 1, False, False),
        ("while True: pass", None, True, False),
        ("x = bytearray(10**10)", 1, False, True),
        ("import os\nprint('done', flush=True)\nos._exit(0)", None, False, False),
        ("import sys\nsys.stdout.close()\nraise SystemExit(2)", 2, False, False),
    ],
)
def test_program_when_it_fails_then_it_is_told_how(
    runner, programs, code, exit_code, timed_out, out_of_memory
):
    run = runner.run(programs(code, stdin="", timeout_s=2))
    assert (run.exit_code, run.timed_out, run.out_of_memory) == (
        exit_code,
        timed_out,
        out_of_memory,
    )


def test_program_when_it_prints_without_end_then_what_is_kept_is_bounded(runner, programs):
    run = runner.run(programs("print('y' * 5_000_000)", stdin="", timeout_s=20))
    assert run.exit_code == 0
    assert len(run.stdout) == 100_000


@pytest.mark.parametrize(
    ("answer", "outcome", "score"),
    [
        ("def f(n): return n + 1", "correct", 1.0),
        ("def f(n): return 2", "incorrect", 0.5),
        ("import os; os._exit(0)", "incorrect", 0.0),
        ("10**10**10", "undecided", 0.0),
    ],
)
def test_execution_when_it_asks_the_sandbox_then_tests_decide(
    runner, programs, answer, outcome, score
):
    tests = json.dumps(["assert f(1) == 2", "assert f(2) == 3"])
    claim = Claim("t", f"```python\n{answer}\n```", meta={"tests": tests})
    tier = Execution(timeout_s=2)
    opinion = runner.run(tier.ask(tier.evidence(claim), Helpers(run=programs)))
    assert (opinion.outcome, opinion.score) == (outcome, score)

"""Programs in every published format of tests, judged in the sandbox."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
import shutil
import zlib

import pytest

from thoughtmill.tasks.sandbox import BubblewrapSandbox
from thoughtmill.tasks.verification.sandbox import Programs, program_sandbox
from thoughtmill.tasks.verifiers import Claim, Execution, Helpers
from thoughtmill.tasks.verifiers.code_blocks import find_program
from thoughtmill.tasks.verifiers.outputs import same_output, same_value

SMALL = BubblewrapSandbox(preload=(), memory_mib=256, tmp_mib=16, processes=16)


@pytest.fixture(scope="module")
def judge():
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt-get install bubblewrap")
    with asyncio.Runner() as runner:
        sandbox = program_sandbox(SMALL)
        runner.run(sandbox.start())
        programs = Programs(sandbox)

        def opinion(program, tests, **knobs):
            text = tests if isinstance(tests, str) else json.dumps(tests)
            reply = program if "```" in program else f"```python\n{program}\n```"
            tier = Execution(timeout_s=2, **knobs)
            evidence = tier.evidence(Claim("t", reply, meta={"tests": text}))
            return runner.run(tier.ask(evidence, Helpers(run=programs)))

        yield opinion
        runner.run(sandbox.close())


def packed(tests):
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


AREA = "def area(w, h):\n    return w * h"
WRONG = "def area(w, h):\n    return w + h"
ONE = ["assert area(2, 3) == 6"]
SUM = "print(sum(map(int, input().split())))"
DIFFERENCE = "a, b = map(int, input().split())\nprint(a - b)"
CALLS = [{"input": "2\n3", "output": "6", "testtype": "functional"}]
STREAMS = [{"input": "4 5\n", "output": "9\n", "testtype": "stdin"}]
CHECK = "def check(candidate):\n    assert candidate(2, 3) == 6\n    assert candidate(0, 9) == 0\n"
FUNCTIONS = {
    "apps": {"fn_name": "area", "inputs": [[2, 3], [4, 5]], "outputs": [6, 20]},
    "apps, in lists": {"fn_name": "area", "inputs": [[2, 3], [4, 5]], "outputs": [[6], [20]]},
    "prime, JSON lines": {"fn_name": "area", "inputs": ["2\n3", "4\n5"], "outputs": ["6", "20"]},
    "apps, as text": {"input_output": '{"fn_name": "area", "inputs": [[2, 3]], "outputs": [6]}'},
    "lcb": {"public_test_cases": json.dumps(CALLS), "metadata": '{"func_name": "area"}'},
    "lcb, packed": {
        "public_test_cases": CALLS,
        "private_test_cases": packed(CALLS),
        "metadata": {"func_name": "area"},
    },
    "lcb, no name": CALLS,
    "synthetic-1": {
        "language": "python",
        "test_cases": [
            {"type": "function_call", "fn_name": "area", "input": [2, 3], "output": 6},
            {"type": "function_call", "fn_name": "area", "input": [2, 4], "output": "8"},
        ],
    },
    "open-r1, as text": {
        "verification_info": json.dumps(
            {
                "language": "python",
                "test_cases": [
                    {"type": "function_call", "fn_name": "area", "input": [2, 3], "output": [6]}
                ],
            }
        )
    },
    "humaneval": {"test": CHECK, "entry_point": "area"},
    "humaneval, bare": CHECK,
    "humaneval, called": [CHECK + "\ncheck(area)"],
    "mbpp": {
        "test_imports": ["import math"],
        "test_setup_code": "side = 3",
        "test_list": ["assert math.floor(area(2, side)) == 6", "assert area(1, 1) == 1"],
    },
    "asserts": ["assert area(2, 3) == 6", "assert area(4, 5) == 20"],
    "acecode": {"test_cases": ["assert area(2, 3) == 6", "assert area(4, 5) == 20"]},
    "prime, asserts": {"assert_case": ["assert area(2, 3) == 6"]},
    "kodcode": "from solution import area\n\ndef test_a():\n    assert area(2, 3) == 6\n\n"
    "def test_b():\n    assert area(0, 2) == 0\n",
    "parametrized": {
        "test": "import pytest\nfrom solution import *\n\n"
        "@pytest.mark.parametrize('w, h, wanted', [(2, 3, 6), (4, 5, 20)])\n"
        "def test_area(w, h, wanted):\n    assert area(w, h) == pytest.approx(wanted)\n"
    },
    "a fixture": "import pytest\nfrom solution import area\n\n@pytest.fixture\ndef side():\n"
    "    return 3\n\ndef test_side(side):\n    assert area(side, side) == 9\n",
    "a test class": "class TestArea:\n    def setup_method(self):\n        self.side = 4\n"
    "    def test_square(self):\n        assert area(self.side, self.side) == 16\n",
    "unittest": "import unittest\nclass TestCases(unittest.TestCase):\n"
    "    def test_area(self):\n        self.assertEqual(area(2, 3), 6)\n",
    "another module": "from rectangle import area\n\ndef test_a():\n    assert area(2, 3) == 6\n",
}  # fmt: skip


@pytest.mark.parametrize("tests", FUNCTIONS.values(), ids=FUNCTIONS)
def test_function_when_tests_come_in_any_format_then_right_and_wrong_are_told(judge, tests):
    assert judge(AREA, tests).outcome == "correct"
    assert judge(WRONG, tests).outcome == "incorrect"


PROGRAMS = {
    "pairs": [{"input": "4 5\n", "output": "9\n"}],
    "apps": {"inputs": ["4 5\n"], "outputs": ["9\n"]},
    "apps, lines": {"inputs": [["4 5"]], "outputs": [["9"]], "fn_name": None},
    "lcb": STREAMS,
    "lcb, packed": {"public_test_cases": STREAMS, "private_test_cases": packed(STREAMS)},
    "synthetic-1": {"language": "python", "test_cases": [{"type": "stdin_stdout", **STREAMS[0]}]},
    "contests": {
        "public_tests": {"input": ["4 5"], "output": ["9"]},
        "private_tests": {"input": [], "output": []},
        "generated_tests": {"input": ["1 1"], "output": ["2 "]},
    },
    "codeforces": {"official_tests": [{"input": "4 5", "output": "9"}], "generated_checker": None},
    "gym": {"unit_tests": {"inputs": ["4 5"], "outputs": ["9"]}},
}
del PROGRAMS["synthetic-1"]["test_cases"][0]["testtype"]


@pytest.mark.parametrize("tests", PROGRAMS.values(), ids=PROGRAMS)
def test_program_when_tests_come_in_any_format_then_right_and_wrong_are_told(judge, tests):
    assert judge(SUM, tests).outcome == "correct"
    assert judge(DIFFERENCE, tests).outcome == "incorrect"


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ({"grader": "special", "cases": ["a"]}, "unknown_test_format"),
        ({"inputs": ["1"], "outputs": ["1"], "checker": "int main() {}"}, "needs_checker"),
        ({"inputs": ["1"], "outputs": ["1", "2"]}, "unknown_test_format"),
        ([{"input": "1", "wanted": "2"}], "unknown_test_format"),
        ([{"input": "1", "output": "2", "type": "interactive"}], "unknown_test_format"),
        ([["1", "2"]], "unknown_test_format"),
        (["def helper(x):\n    return x"], "unknown_test_format"),
        ({"private_test_cases": "bm90IHBhY2tlZA=="}, "unknown_test_format"),
        ({"fn_name": "area", "inputs": ["two"], "outputs": ["2"]}, "unknown_test_format"),
        ([], "no_tests"),
        ({"inputs": [], "outputs": []}, "no_tests"),
        (7, "unknown_test_format"),
    ],
)
def test_tests_when_no_format_fits_then_undecided_with_the_reason(judge, tests, reason):
    assert judge(AREA, tests) == ("undecided", reason, None)


@pytest.mark.parametrize(
    ("program", "tests", "outcome", "reason"),
    [
        (AREA, ["assert colorsys.area(2, 3) == 6"], "undecided", "broken_test"),
        (AREA, ["import no_such_module\nassert area(2, 3) == 6"], "undecided", "missing_module"),
        (AREA, ["assert area(2, 3) ==="], "undecided", "broken_test"),
        (f"import no_such_module\n{AREA}", ONE, "undecided", "missing_module"),
        (f"import no_such_module\n{SUM}", STREAMS, "undecided", "missing_module"),
        ("def space(w, h):\n    return w * h", ONE, "incorrect", "tests_failed"),
        ("def area(w, h):\n    return w * hight", ONE, "incorrect", "tests_failed"),
        ("def area(w, h)\n    return w * h", ONE, "incorrect", "tests_failed"),
        (AREA, "def test_a(tmp_path):\n    assert area(2, 3) == 6\n", "undecided", "broken_test"),
        (f"{AREA}\ndef other(): pass", CHECK, "undecided", "broken_test"),
        (f"{AREA}\nraise SystemExit", ONE, "incorrect", "tests_failed"),
        (f"{AREA}\nwhile True: pass", ONE, "undecided", "too_slow"),
    ],
)  # fmt: skip
def test_failure_when_it_is_not_the_programs_then_nothing_is_decided(
    judge, program, tests, outcome, reason
):
    assert judge(program, tests)[:2] == (outcome, reason)


LEETCODE = """class Solution:
    def pairs(self, nums: List[int], total: Optional[int] = None) -> int:
        counts = Counter(nums)
        return sum(counts[total - n] for n in nums)
"""


@pytest.mark.parametrize(
    "tests",
    [
        ["assert Solution().pairs([1, 2, 3], 4) == 3"],
        {"test": "def check(candidate):\n    assert candidate(nums=[1, 2, 3], total=4) == 3\n",
         "entry_point": "Solution().pairs"},
        {"fn_name": "pairs", "inputs": [[[1, 2, 3], 4]], "outputs": [3]},
        [{"input": "nums = [1, 2, 3], total = 4", "output": "3"}],
    ],
)  # fmt: skip
def test_solution_class_when_its_imports_are_the_graders_then_it_is_judged(judge, tests):
    assert judge(LEETCODE, tests).outcome == "correct"
    assert judge(LEETCODE.replace("total - n", "total + n"), tests).outcome == "incorrect"


def test_score_when_some_tests_pass_then_it_is_their_share(judge):
    tests = ["assert area(2, 2) == 4", "assert area(2, 3) == 6"]
    assert judge(WRONG, tests) == ("incorrect", "tests_failed", 0.5)
    assert judge(WRONG, tests, max_tests=1) == ("correct", "tests_passed", 1.0)


PYTHON = "n = int(input())\nprint(n * 2)\n"


@pytest.mark.parametrize(
    "reply",
    [
        f"```python\n{PYTHON}```",
        f"~~~ py\n{PYTHON}~~~",
        f"````python title=\"a.py\"\n{PYTHON}````\n\n```\n14\n```",
        f"``` {{.python .numberLines}}\n{PYTHON}```",
        f"> ```python\n> {PYTHON.strip().replace(chr(10), chr(10) + '> ')}\n> ```",
        f"- ```python\n  {PYTHON.strip().replace(chr(10), chr(10) + '  ')}\n  ```",
        f"```python\n{PYTHON}",
        f"```\n{PYTHON}```\nIt prints\n```\n14\n```",
        f"Code:\n\n    {PYTHON.strip().replace(chr(10), chr(10) + '    ')}\n\nDone.",
        f"```python\n{PYTHON}```\nTry it:\n```python\nprint(f'{{7 * 2}}')\n```",
        f"```python\n{PYTHON}```\n```python\n>>> 7 * 2\n14\n```",
        f"```bash\npython a.py\n```\n```Python3\n{PYTHON}```",
    ],
)  # fmt: skip
def test_program_when_a_reply_marks_it_as_commonmark_has_it_then_it_is_found(reply):
    assert find_program(reply, reads=True) == (PYTHON, "python", "")


@pytest.mark.parametrize(
    ("reply", "missing"),
    [
        ("The answer is 42.", "no_code"),
        ("42", "no_code"),
        ("Call `print(1)`.", "only_inline_code"),
        ("```java\nclass A {}\n```", "other_language"),
    ],
)
def test_program_when_there_is_none_then_it_says_why(reply, missing):
    assert find_program(reply) == (None, "python", missing)


@pytest.mark.parametrize(
    ("written", "wanted", "rule", "same"),
    [
        ("1 2\n\n3\n", "1 2\n3", "apps", True),
        ("1 2\n\n3\n", "1 2\n3", "lines", False),
        ("  1 2  \n3\n\n", "1 2\n3", "lines", True),
        ("12", "1 2", "tokens", False),
        ("1\n2", "1 2", "tokens", True),
        ("1\n2", "1 2", "apps", False),
        ("0.50", "0.5", "lines", True),
        ("0.3333333", "0.3333333333", "apps", True),
        ("0.3333333", "0.3333333333", "lines", False),
        ("0.333", "0.3333333333", "apps", False),
        ("100000000000000001", "100000000000000000", "apps", False),
        ("yes", "YES", "apps", False),
        ("nan", "1", "apps", False),
        ("", "", "lines", True),
        ("", "0", "lines", False),
    ],
)
def test_output_when_it_is_compared_then_the_sets_own_rule_holds(written, wanted, rule, same):
    assert same_output(written, wanted, rule) is same


@pytest.mark.parametrize(
    ("returned", "wanted", "same"),
    [
        ([1, [2, 3]], [1, [2, 3]], True),
        ([3, 2], [2, 3], False),
        ({"1": 2}, {1: 2}, True),
        (0.30000000000000004, 0.3, True),
        (0.31, 0.3, False),
        ("3", 3, False),
        (3, "3", False),
        (None, 0, False),
        (10**17 + 1, 10**17, False),
    ],
)
def test_value_when_it_is_compared_then_only_decimals_have_a_tolerance(returned, wanted, same):
    assert same_value(returned, wanted) is same

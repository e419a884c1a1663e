"""Whole programs that run one test each, and what their reports say.

A program for standard streams runs as it is.  All others run under `harness.txt`, which says apart
what failed: the program, the test itself, or a module that the sandbox lacks.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from thoughtmill.schemas.base import Row
from thoughtmill.schemas.ids import content_hash
from thoughtmill.tasks.verifiers.code_blocks import defined, parsed
from thoughtmill.tasks.verifiers.outputs import Rule, same_output, same_value
from thoughtmill.tasks.verifiers.remote import CodeRun
from thoughtmill.tasks.verifiers.suites import Call, Case, Either, Statements, Streams, Suite

End = Literal["passed", "failed", "too_slow", "too_much_memory", "broken_test", "missing_module"]
_HARNESS = (Path(__file__).parent / "harness.txt").read_text()
_STAR = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random",
    "statistics", "itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing",
)  # fmt: skip
_TYPES = "from typing import *\n"
_IMPORTS = "".join(
    [f"from {name} import *\n" for name in _STAR]
    + [f"import {name}\n" for name in _STAR if name not in ("builtins", "typing")]
    + ["sys.setrecursionlimit(50000)\n"]
)
"""What the graders of APPS, LiveCodeBench and PRIME run ahead of a program."""
_NODES = """
class ListNode:
    def __init__(self, val=0, next=None):
        self.val, self.next = val, next
class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val, self.left, self.right = val, left, right
"""
_NODE = re.compile(r"\b(?:ListNode|TreeNode)\b")
_MISSING = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'\s*$", re.MULTILINE)


class _Report(Row):
    passed: bool = False
    fault: str = ""
    error: str = ""
    value: Any = None
    type: str = ""
    text: str = ""


def program_of(code: str, case: Case, suite: Suite) -> tuple[str, str]:
    """What to run for one test, and its standard input."""
    if isinstance(case, Streams):
        if not suite.imports:
            return code, case.given
        start = f"exec(compile({code!r}, 'solution.py', 'exec', dont_inherit=True))\n"
        return f"{_IMPORTS}{start}", case.given
    asked: dict[str, Any] = {
        "mark": _mark(code, case),
        "prologue": _prologue(code, suite),
        "program": _after_prompt(code, suite),
        "names": sorted(suite.names),
    }
    if isinstance(case, Call):
        asked |= {"call": case.name, "args": list(case.args), "kwargs": dict(case.kwargs)}
    else:
        asked |= {
            "test": case.test.text,
            "setup": case.setup,
            "apart": "solution" in case.test.modules,
            "modules": case.test.modules,
            "runs": [case.run] if case.run else [],
            "candidate": case.entry_point or _only_function(code),
        }
    return _HARNESS.replace("{asked}", repr(json.dumps(asked))), ""


def end_of(run: CodeRun, code: str, case: Case, rule: Rule) -> End:
    """How one test ended."""
    if run.timed_out:
        return "too_slow"
    if run.out_of_memory:
        return "too_much_memory"
    if isinstance(case, Streams):
        if run.exit_code == 0 and same_output(run.stdout, case.wanted, rule):
            return "passed"
        lost = run.exit_code != 0 and _MISSING.search(run.stderr)
        return "missing_module" if lost else "failed"
    report = _report(run.stdout, _mark(code, case))
    if report is None:
        return "failed"
    if report.fault:
        faults: dict[str, End] = {
            "memory": "too_much_memory",
            "module": "missing_module",
            "test": "broken_test",
        }
        return faults.get(report.fault, "failed")
    if isinstance(case, Statements):
        return "passed" if report.passed else "failed"
    return "passed" if _as_wanted(report, case) else "failed"


def needs_nodes(code: str, suite: Suite) -> bool:
    """Whether a function takes LeetCode's lists or trees, which its tests write as plain lists."""
    return isinstance(suite.cases[0], Call) and bool(_NODE.search(code))


def _as_wanted(report: _Report, case: Call) -> bool:
    if same_value(report.value, case.wanted):
        return True
    if isinstance(case.wanted, Either) and same_value(report.value, case.wanted[0]):
        return True
    wanted = case.wanted[0] if isinstance(case.wanted, Either) else case.wanted
    return case.printed and isinstance(wanted, str) and report.text == wanted.strip() != ""


def _mark(code: str, case: Case) -> str:
    """Code that leaves early, even with exit code 0, does not get to this mark by itself."""
    return content_hash("passed", code, repr(case))


def _report(output: str, mark: str) -> _Report | None:
    _, found, text = output.rpartition(mark)
    try:
        return _Report.model_validate_json(text.strip()) if found else None
    except ValidationError:
        return None


def _prologue(code: str, suite: Suite) -> str:
    if suite.imports or "class Solution" in code:
        return _IMPORTS + _NODES
    return _TYPES


def _after_prompt(code: str, suite: Suite) -> str:
    """The program behind its prompt, where that is Python or the program continues it."""
    if not suite.prompt:
        return code
    alone = parsed(code)
    if alone is not None and suite.names <= defined(alone):
        return (
            f"{suite.prompt}\n{code}" if parsed(suite.prompt) and "__future__" not in code else code
        )
    return f"{suite.prompt}{code}"


def _only_function(code: str) -> str:
    """The one function of a program, as a candidate for `check`; else a name that nobody has."""
    tree = parsed(code)
    found = [
        node.name
        for node in (tree.body if tree else [])
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    return found[0] if len(found) == 1 else "no_one_candidate"

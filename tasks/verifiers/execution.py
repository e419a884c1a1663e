"""Code against tests, run by a `CodeRunner`; this module never runs anything itself.

Tests are JSON in `Item.meta["tests"]`: a list of `{"input", "output"}` (standard streams) or of
statements that raise where the code is wrong (`assert f(2) == 4`).
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

from pydantic import Field

from schemas.errors import ThoughtmillError
from schemas.ids import content_hash
from tasks.verifiers.extract import visible
from tasks.verifiers.remote import MAX_OUTPUT_CHARS, CodeRun, Helpers, RemoteVerifier
from tasks.verifiers.verifier import Claim, ClaimKind, Evidence, Opinion

_LANGUAGES = ("", "python", "python3", "py")


class Execution(RemoteVerifier):
    """Share of the first tests that a response's last code block passes; correct when all do.

    Source: DeepDistill (arXiv 2504.17565), verification of code.
    """

    version: ClassVar[int] = 2
    kinds: ClassVar[frozenset[ClaimKind]] = frozenset({"code"})
    rank: ClassVar[int] = 30
    graded: ClassVar[bool] = True
    kind: Literal["execution"] = "execution"
    max_tests: int = Field(default=10, gt=0)
    """Tests that are run, from the first on."""
    timeout_s: float = Field(default=10.0, gt=0)
    """Seconds for one test."""

    def evidence(self, claim: Claim) -> Evidence:
        said = visible(claim.response) or ""
        return Evidence(None, last_block(said), claim.meta["tests"])

    async def ask(self, evidence: Evidence, helpers: Helpers) -> Opinion:
        if helpers.run is None:
            return Opinion("undecided", "no_sandbox")
        if evidence.answer is None:
            return Opinion("incorrect", "no_code", 0.0)
        tests = _tests(evidence.context)
        if not tests:
            return Opinion("undecided", "no_tests")
        tests = tests[: self.max_tests]
        outputs = [str(test["output"]) for test in tests if isinstance(test, dict)]
        if max(map(len, outputs), default=0) > MAX_OUTPUT_CHARS:
            return Opinion("undecided", "test_too_long")
        passed, failed, reason = 0, False, ""
        for test in tests:
            code, stdin, wanted = _program(evidence.answer, test)
            try:
                run = await helpers.run(code, stdin=stdin, timeout_s=self.timeout_s)
            except ThoughtmillError:
                return Opinion("undecided", "sandbox_failed")
            if _passes(run, wanted, last_line=isinstance(test, str)):
                passed += 1
            elif run.timed_out or run.out_of_memory:
                reason = "too_slow" if run.timed_out else "too_much_memory"
            else:
                failed = True
        share = passed / len(tests)
        if passed == len(tests):
            return Opinion("correct", "tests_passed", share)
        if failed:
            return Opinion("incorrect", "tests_failed", share)
        return Opinion("undecided", reason, share)  # a limit says nothing about the answer


def last_block(text: str) -> str | None:
    """The last fenced block of Python; None where there is none that closes."""
    block: list[str] | None = None
    last = None
    for line in text.splitlines():
        if not line.startswith("```"):
            if block is not None:
                block.append(line)
        elif block is not None:
            last, block = "\n".join(block) + "\n", None
        elif line[3:].strip().lower() in _LANGUAGES:
            block = []
    return last


def _tests(text: str) -> list[Any] | None:
    """Tests as a list; None where they can't be read."""
    try:
        tests = json.loads(text)
    except ValueError:
        return None
    if isinstance(tests, dict) and {"inputs", "outputs"} <= tests.keys():
        pairs = zip(tests["inputs"], tests["outputs"], strict=False)
        tests = [{"input": given, "output": wanted} for given, wanted in pairs]
    if not isinstance(tests, list) or not all(_is_test(test) for test in tests):
        return None
    return tests


def _is_test(test: Any) -> bool:
    return isinstance(test, str) or (isinstance(test, dict) and {"input", "output"} <= test.keys())


def _program(code: str, test: Any) -> tuple[str, str, str]:
    """What to run for one test, its standard input, and the output wanted."""
    if isinstance(test, str):
        # Code that leaves early, even with exit code 0, does not get to this mark by itself.
        mark = content_hash("passed", code, test)
        return f"{code}\n{test}\nprint('\\n{mark}')\n", "", mark
    return code, str(test["input"]), str(test["output"])


def _passes(run: CodeRun, wanted: str, *, last_line: bool) -> bool:
    if run.exit_code != 0 or run.timed_out or run.out_of_memory:
        return False
    written = _lines(run.stdout)
    return written[-1:] == [wanted] if last_line else written == _lines(wanted)


def _lines(text: str) -> list[str]:
    """Lines without trailing blanks, as judges compare them."""
    return [line.rstrip() for line in text.rstrip().splitlines()]

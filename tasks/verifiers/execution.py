"""Code against tests, run by a `CodeRunner`; this module never runs anything itself.

Tests are JSON in `Item.meta["tests"]`, in one of the published formats of `suites.FORMATS`, or the
text of a test file.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from thoughtmill.schemas.errors import ThoughtmillError
from thoughtmill.tasks.answers.extract import visible
from thoughtmill.tasks.verifiers.code_blocks import find_program
from thoughtmill.tasks.verifiers.harness import End, end_of, needs_nodes, program_of
from thoughtmill.tasks.verifiers.remote import (
    MAX_OUTPUT_CHARS,
    CodeRunner,
    Helpers,
    RemoteVerifier,
)
from thoughtmill.tasks.verifiers.suites import Case, Streams, Suite, UnknownFormat, read_suite
from thoughtmill.tasks.verifiers.verifier import Claim, ClaimKind, Evidence, Opinion

_UNSURE: tuple[End, ...] = ("broken_test", "missing_module", "too_slow", "too_much_memory")


class Execution(RemoteVerifier):
    """Share of the first tests that a response's program passes; correct when all do.

    A test that fails by itself, a module that the sandbox lacks and a limit say nothing about the
    program: without a plain failure beside them the verdict is undecided.

    Source: DeepDistill (arXiv 2504.17565), verification of code.
    """

    version: ClassVar[int] = 3
    kinds: ClassVar[frozenset[ClaimKind]] = frozenset({"code"})
    rank: ClassVar[int] = 30
    graded: ClassVar[bool] = True
    kind: Literal["execution"] = "execution"
    max_tests: int = Field(default=10, gt=0)
    """Tests that are run, from the first on."""
    timeout_s: float = Field(default=10.0, gt=0)
    """Seconds for one test."""

    def evidence(self, claim: Claim) -> Evidence:
        return Evidence(None, visible(claim.response) or "", claim.meta["tests"])

    async def ask(self, evidence: Evidence, helpers: Helpers) -> Opinion:
        if helpers.run is None:
            return Opinion("undecided", "no_sandbox")
        try:
            suite = read_suite(evidence.context)
        except UnknownFormat as unknown:
            return Opinion("undecided", str(unknown))
        given = [case.given for case in suite.cases if isinstance(case, Streams)]
        reads = any(text.strip() for text in given)
        program = find_program(evidence.answer or "", suite.names, reads=reads)
        if program.text is None:
            if program.missing == "no_code":
                return Opinion("incorrect", "no_code", 0.0)
            return Opinion("undecided", program.missing)
        if program.language != "python":
            return Opinion("undecided", "no_compiler")
        if needs_nodes(program.text, suite):
            return Opinion("undecided", "needs_nodes")
        cases = suite.cases[: self.max_tests]
        wanted = [case.wanted for case in cases if isinstance(case, Streams)]
        if max(map(len, wanted), default=0) > MAX_OUTPUT_CHARS:
            return Opinion("undecided", "test_too_long")
        try:
            ends = [await self._end(program.text, case, suite, helpers.run) for case in cases]
        except ThoughtmillError:
            return Opinion("undecided", "sandbox_failed")
        share = ends.count("passed") / len(ends)
        if "failed" in ends:
            return Opinion("incorrect", "tests_failed", share)
        for reason in _UNSURE:
            if reason in ends:
                return Opinion("undecided", reason, share)
        return Opinion("correct", "tests_passed", share)

    async def _end(self, code: str, case: Case, suite: Suite, run: CodeRunner) -> End:
        text, stdin = program_of(code, case, suite)
        done = await run(text, stdin=stdin, timeout_s=self.timeout_s)
        return end_of(done, code, case, suite.rule)

"""Published formats of tests for code, read into one shape; the table is `FORMATS`.

Where the formats were looked up: the graders of APPS and TACO (`input_output`), LiveCodeBench
(`lcb_runner/evaluation/testing_util.py`), PRIME, genesys (SYNTHETIC-1), open-r1, CodeContests,
KodCode, HumanEval, MBPP, LeetCodeDataset and AceCode.  Nothing here runs code.
"""

from __future__ import annotations

import ast
import base64
import binascii
import io
import json
import pickle
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from thoughtmill.tasks.verifiers.assertions import Assertions, Run, read_assertions
from thoughtmill.tasks.verifiers.outputs import Rule

_MOST_BYTES = 1 << 26
_WRAPPERS = (
    "verification_info", "input_output", "tests", "unit_tests", "ground_truth", "reward_model",
    "test_cases", "answer",
)  # fmt: skip
_CHECKERS = ("checker", "generated_checker", "special_judge", "spj", "grader_code")


class UnknownFormat(ValueError):
    """Tests in no format of the table; the argument is the reason, a short snake_case noun."""


class Streams(NamedTuple):
    """Standard input, and the standard output wanted."""

    given: str
    wanted: str


class Call(NamedTuple):
    """A call of a function or of a method of a class, and the value wanted."""

    name: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    wanted: Any
    printed: bool = False
    """Whether the set's grader compares the value as it is printed."""


class Statements(NamedTuple):
    """Python that raises where the program is wrong."""

    setup: str
    test: Assertions
    run: Run | None = None
    """A definition of the text that has to be called."""
    entry_point: str = ""


ONLY = "*"
"""Name of a call that means the only function of the program, or the only method of `Solution`."""
Case = Streams | Call | Statements


@dataclass(frozen=True)
class Suite:
    """All tests of one item, in their order."""

    cases: tuple[Case, ...]
    rule: Rule = "lines"
    imports: bool = False
    """Whether the set's grader imports the standard library's names ahead of a program."""
    prompt: str = ""
    """Python that the program continues, as HumanEval's prompts are."""
    names: frozenset[str] = field(default=frozenset())
    """Names that the program has to define, as far as the tests show."""


def read_suite(text: str) -> Suite:
    """The tests of an item: JSON in a format of the table, or the text of a test file.

    Raises `UnknownFormat`.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    return _suite(found, depth=0)


def _suite(found: Any, depth: int) -> Suite:
    if depth > 4:
        raise UnknownFormat("unknown_test_format")
    if isinstance(found, str):
        return _from_text(found, depth)
    if isinstance(found, list):
        return _from_list(found)
    if not isinstance(found, dict):
        raise UnknownFormat("unknown_test_format")
    if any(found.get(key) for key in _CHECKERS):
        raise UnknownFormat("needs_checker")
    for keys, read in FORMATS:
        if all(found.get(key) is not None for key in keys):
            return read(found)
    for key in _WRAPPERS:
        if found.get(key) is not None:
            return _suite(found[key], depth + 1)
    raise UnknownFormat("unknown_test_format")


def _from_text(text: str, depth: int) -> Suite:
    try:
        inner = json.loads(text)
    except ValueError:
        return _from_statements([text])
    return _suite(inner, depth + 1)


def _from_list(found: list[Any]) -> Suite:
    if not found:
        raise UnknownFormat("no_tests")
    if all(isinstance(one, str) for one in found):
        return _from_statements(found)
    if all(isinstance(one, dict) and {"input", "output"} <= one.keys() for one in found):
        return _from_pairs(found)
    if all(isinstance(one, dict) and isinstance(one.get("assert_case"), str) for one in found):
        return _from_statements([one["assert_case"] for one in found])
    raise UnknownFormat("unknown_test_format")


def _columns(found: Mapping[str, Any]) -> Suite:
    """`inputs` and `outputs` side by side, with `fn_name` for functions: APPS, TACO, PRIME."""
    inputs, outputs = found["inputs"], found["outputs"]
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
        raise UnknownFormat("unknown_test_format")
    if not inputs:
        raise UnknownFormat("no_tests")
    name = found.get("fn_name")
    if name:
        return _calls(str(name), list(zip(inputs, outputs, strict=True)))
    cases = tuple(Streams(_joined(i), _joined(o)) for i, o in zip(inputs, outputs, strict=True))
    return Suite(cases, rule="apps", imports=True)


def _from_pairs(found: list[dict[str, Any]], name: str | None = None) -> Suite:
    """A list of `input` and `output`: LiveCodeBench, SYNTHETIC-1, open-r1."""
    kinds = {str(one.get("testtype") or one.get("type") or "") for one in found}
    names = {one.get("fn_name") or _function(one.get("metadata")) or name for one in found} - {None}
    if kinds <= {"functional", "function_call"} or (names and kinds == {""}):
        if len(names) > 1:
            raise UnknownFormat("unknown_function")
        printed = kinds == {"function_call"}
        pairs = [(one["input"], one["output"]) for one in found]
        return _calls(str(names.pop()) if names else ONLY, pairs, printed=printed)
    if not kinds <= {"", "stdin", "stdin_stdout"}:
        raise UnknownFormat("unknown_test_format")
    keywords = [_keywords(one["input"]) for one in found]
    if all(keywords):  # LeetCode's `nums = [3, 3], target = 6`
        wanted = [_literal(one["output"]) for one in found]
        return _calls(ONLY, list(zip(keywords, wanted, strict=True)))
    cases = tuple(Streams(_joined(one["input"]), _joined(one["output"])) for one in found)
    return Suite(cases, imports="stdin" in kinds)


def _live(found: Mapping[str, Any]) -> Suite:
    """LiveCodeBench's columns of public and private tests; the latter may be packed."""
    tests: list[Any] = []
    for key in ("public_test_cases", "private_test_cases"):
        value = found.get(key) or []
        value = _unpacked(value) if isinstance(value, str) else value
        if not isinstance(value, list):
            raise UnknownFormat("unknown_test_format")
        tests += value
    if not tests:
        raise UnknownFormat("no_tests")
    if not all(isinstance(one, dict) and {"input", "output"} <= one.keys() for one in tests):
        raise UnknownFormat("unknown_test_format")
    return _from_pairs(tests, _function(found.get("metadata")))


def _contests(found: Mapping[str, Any]) -> Suite:
    """CodeContests: `input` and `output` columns in public, private and generated tests."""
    groups = [
        found[key]
        for key in ("public_tests", "private_tests", "generated_tests")
        if isinstance(found.get(key), dict)
    ] or [found]
    cases = []
    for group in groups:
        inputs, outputs = group.get("input"), group.get("output")
        if not isinstance(inputs, list) or not isinstance(outputs, list):
            raise UnknownFormat("unknown_test_format")
        if len(inputs) != len(outputs):
            raise UnknownFormat("unknown_test_format")
        cases += [Streams(_joined(i), _joined(o)) for i, o in zip(inputs, outputs, strict=True)]
    if not cases:
        raise UnknownFormat("no_tests")
    return Suite(tuple(cases), rule="tokens")


def _official(found: Mapping[str, Any]) -> Suite:
    """Codeforces as open-r1 publishes it, for problems without a checker."""
    return Suite(_from_list(list(found["official_tests"])).cases, rule="tokens")


def _human_eval(found: Mapping[str, Any]) -> Suite:
    """`test` defines `check(candidate)` and `entry_point` names the candidate."""
    return _from_statements(
        [str(found["test"])],
        entry_point=str(found["entry_point"]),
        prompt=str(found.get("prompt") or ""),
    )


def _mbpp(found: Mapping[str, Any]) -> Suite:
    """`test_list` of asserts, with `test_imports` or `test_setup_code` to run before each."""
    tests = found.get("test_list") or found.get("assert_case")
    if isinstance(tests, str):
        tests = [tests]
    if not isinstance(tests, list) or not all(isinstance(one, str) for one in tests):
        raise UnknownFormat("unknown_test_format")
    imports = found.get("test_imports") or []
    lines = [imports] if isinstance(imports, str) else list(map(str, imports))
    return _from_statements(tests, setup="\n".join([*lines, found.get("test_setup_code") or ""]))


def _text_of(key: str) -> Callable[[Mapping[str, Any]], Suite]:
    return lambda found: _suite(found[key], depth=1)


FORMATS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Suite]], ...] = (
    (("inputs", "outputs"), _columns),
    (("public_test_cases",), _live),
    (("private_test_cases",), _live),
    (("public_tests",), _contests),
    (("private_tests",), _contests),
    (("generated_tests",), _contests),
    (("input", "output"), _contests),
    (("official_tests",), _official),
    (("test", "entry_point"), _human_eval),
    (("test_list",), _mbpp),
    (("assert_case",), _mbpp),
    (("test",), _text_of("test")),
    (("test_code",), _text_of("test_code")),
)
"""Keys that an object of tests must have, and its reader; the first that fits reads it.  Lists of
`{"input", "output"}` objects or of asserts, and test files as text, need no keys."""


def _from_statements(
    texts: list[str], *, setup: str = "", entry_point: str = "", prompt: str = ""
) -> Suite:
    read = [read_assertions(text) for text in texts]
    cases: list[Case] = []
    names: set[str] = set()
    apart: list[str] = []
    for test in read:
        names |= test.wanted
        if not test.acts and not test.runs:
            apart.append(test.text)  # only definitions, for the tests that follow
            continue
        before = "\n".join([setup, *apart])
        cases += _cases(test, before, entry_point)
    if not cases:
        raise UnknownFormat("unknown_test_format")
    if entry_point:
        names = {entry_point.rpartition(".")[2]}
    return Suite(tuple(cases), prompt=prompt, names=frozenset(names))


def _cases(test: Assertions, setup: str, entry_point: str) -> list[Case]:
    one = partial(Statements, setup, test, entry_point=entry_point)
    runs: list[Run | None] = [None] if test.acts else []
    return [one(run) for run in [*runs, *test.runs]]


def _calls(name: str, pairs: list[tuple[Any, Any]], *, printed: bool = False) -> Suite:
    """Arguments as a list, or as JSON, one a line; values as they are, or as JSON with the latter.

    APPS wraps each value in a list of one, and its grader accepts either.
    """
    cases: list[Case] = []
    packed = all(
        isinstance(given, list) and isinstance(o, list) and len(o) == 1 for given, o in pairs
    )
    for given, wanted in pairs:
        if isinstance(given, str):
            try:
                args = [json.loads(line) for line in given.split("\n") if line.strip()]
                value = json.loads(wanted) if isinstance(wanted, str) else wanted
            except ValueError:
                raise UnknownFormat("unknown_test_format") from None
            cases.append(Call(name, args, {}, value, printed))
        elif isinstance(given, dict):
            cases.append(Call(name, [], given, wanted, printed))
        elif isinstance(given, list):
            cases.append(Call(name, given, {}, Either(wanted) if packed else wanted, printed))
        else:
            raise UnknownFormat("unknown_test_format")
    return Suite(tuple(cases), imports=True, names=frozenset({name} - {ONLY}))


class Either(list[Any]):
    """A list of one value: right are the list and the value."""


def _joined(value: Any) -> str:
    """Text, or lines of it, as APPS has them; numbers as they are printed."""
    if isinstance(value, list):
        if not all(isinstance(line, str | int | float) for line in value):
            raise UnknownFormat("unknown_test_format")
        return "\n".join(map(str, value))
    if not isinstance(value, str | int | float):
        raise UnknownFormat("unknown_test_format")
    return str(value)


def _function(metadata: Any) -> str | None:
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except ValueError:
            return None
    name = metadata.get("func_name") if isinstance(metadata, dict) else None
    return str(name) if name else None


def _keywords(given: Any) -> dict[str, Any] | None:
    """Arguments written `a = 1, b = [2]`; None where it is anything else."""
    if not isinstance(given, str) or "=" not in given:
        return None
    try:
        call = ast.parse(f"f({given})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or not call.keywords:
            return None
        return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords if word.arg}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _literal(written: Any) -> Any:
    """A value from JSON or Python."""
    if not isinstance(written, str):
        return written
    for read in (json.loads, ast.literal_eval):
        try:
            return read(written)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    raise UnknownFormat("unknown_test_format")


class _OnlyText(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError("packed tests hold text only")


def _unpacked(text: str) -> Any:
    """JSON, or JSON that LiveCodeBench has pickled, deflated and put into base 64."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        inflater = zlib.decompressobj()
        plain = inflater.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
        if inflater.unconsumed_tail:
            raise UnknownFormat("test_too_long")
        return json.loads(_OnlyText(io.BytesIO(plain)).load())
    except (binascii.Error, zlib.error, pickle.UnpicklingError, EOFError, TypeError, ValueError,
            AttributeError, IndexError, KeyError) as error:  # fmt: skip
        reason = error.args[0] if isinstance(error, UnknownFormat) else "unknown_test_format"
        raise UnknownFormat(reason) from None

"""Symbolic mathematics by math-verify, for what the exact tier can't decide.  Workers only.

math-verify takes a failure for a difference (it swallows `MemoryError` and `RecursionError`), drops
units, and can hang past its own time-out.  So its timers are off, the pool's deadline stands, and
what it would choke on is refused first.
"""

from __future__ import annotations

import logging
import math
import re
from typing import Any, ClassVar, Literal

from thoughtmill.tasks.answers.answers import nesting
from thoughtmill.tasks.answers.clean import clean
from thoughtmill.tasks.answers.compare import compare
from thoughtmill.tasks.answers.expression import FUNCTIONS
from thoughtmill.tasks.answers.extract import is_prose
from thoughtmill.tasks.answers.units import split_unit
from thoughtmill.tasks.verifiers.exact import plain_evidence, refused
from thoughtmill.tasks.verifiers.verifier import Claim, Evidence, IsolatedVerifier, Opinion

_MAX_CHARS = 2_000
_MAX_NESTING = 40
_MAX_NODES = 4_000
_MAX_BITS = 200_000.0
_MAX_FACTORIAL = 3_000
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}")
_ENVIRONMENT = re.compile(
    r"\\(?:begin|end|operatorname)\s*\{[^{}]*\}|"
    r"\\text\{\s*(?:\w|and|or|if|for)\s*\}"
)
_TWO_WAYS = re.compile(
    r"\^\s*(?:\{[^{}]*\}|\w)\s*\^|/\s*(?:\d+|[A-Za-z])\s*(?:[A-Za-z(]|\\(?!cdot|times|le|ge|text))|:"
)
"""Towers of powers, `1/2x` and ratios: math-verify takes one reading of them for the only one."""
_MATH_WORDS = FUNCTIONS | {"sqrt", "infinity", "where"}
_OURS = frozenset(
    {
        "rounding",
        "unit_unclear",
        "words",
        "different_text",
        "different_kind",
        "several_parts",
        "primes",
        "percent_unclear",
        "decimal_comma",
        "other_names",
        "other_label",
        "order",
        "clock",
        "branches",
        "ratio",
        "vector",
        "different_count",
        "repeats",
    }
)
"""Reasons of `compare` that a computer algebra system can't add to."""


class Symbolic(IsolatedVerifier):
    """Hugging Face's math-verify on gold and answer, units compared apart from it."""

    version: ClassVar[int] = 3
    rank: ClassVar[int] = 20
    kind: Literal["symbolic"] = "symbolic"

    def evidence(self, claim: Claim) -> Evidence:
        return plain_evidence(claim)

    def opinion(self, evidence: Evidence) -> Opinion:
        refusal = refused(evidence)
        if refusal:
            return refusal
        assert evidence.gold is not None
        assert evidence.answer is not None
        if evidence.context in ("unclaimed", "boxes"):
            return Opinion("undecided", "unmarked_answer")
        if evidence.context == "parts" or is_prose(evidence.gold) or is_prose(evidence.answer):
            return Opinion("undecided", "not_symbolic")
        if max(len(evidence.gold), len(evidence.answer)) > _MAX_CHARS:
            return Opinion("undecided", "too_long")
        if max(nesting(evidence.gold), nesting(evidence.answer)) > _MAX_NESTING:
            return Opinion("undecided", "too_deep")
        told = compare(evidence.gold, evidence.answer)
        if told.reason in _OURS:
            return Opinion("undecided", "not_symbolic" if told.equal is None else told.reason)
        gold, unit = split_unit(clean(evidence.gold))
        answer, other = split_unit(clean(evidence.answer))
        if unit and other and unit != other:
            known = not unit.is_noun and not other.is_noun
            if known and unit.dimensions != other.dimensions:
                return Opinion("incorrect", "wrong_unit")
            return Opinion("undecided", "units")
        if unit and not other and not unit.is_noun and unit.bare:
            return Opinion("undecided", "unit_unclear")
        if "'" in gold or "'" in answer:
            return Opinion("undecided", "primes")
        if _worded(gold) or _worded(answer):
            return Opinion("undecided", "not_symbolic")
        return _math_verify(gold, answer)


def _math_verify(gold: str, answer: str) -> Opinion:
    from math_verify import verify

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    ours, theirs = _parsed(gold), _parsed(answer)
    if not ours:
        return Opinion("undecided", "gold_not_parsed")
    if not theirs:
        return Opinion("undecided", "answer_not_parsed")
    if any(_too_big(tree) for tree in (*ours, *theirs)):
        return Opinion("undecided", "too_big")
    try:
        same = verify(
            ours,
            theirs,
            timeout_seconds=None,
            allow_set_relation_comp=True,
            raise_on_error=True,
        )
    except (TypeError, ValueError, AttributeError, NotImplementedError, IndexError):
        return Opinion("undecided", "not_comparable")
    if same:
        far = all(_are_apart(a, b) for a in ours for b in theirs)
        return Opinion("undecided", "near") if far else Opinion("correct", "math_verify")
    if not any(_is_one_sort(a, b) for a in ours for b in theirs):
        return Opinion("undecided", "different_sorts")
    if any(_names(a) != _names(b) for a in ours for b in theirs):
        return Opinion("undecided", "other_names")
    return Opinion("incorrect", "math_verify")


_DIGITS = 60


def _are_apart(gold: Any, answer: Any) -> bool:
    """Whether two constants that agree to six places differ relatively, decimals aside."""
    from sympy import Abs, Expr, Float, N

    if not (isinstance(gold, Expr) and isinstance(answer, Expr)):
        return False
    if not (gold.is_number and answer.is_number) or gold == answer:
        return False
    if gold.atoms(Float) or answer.atoms(Float):
        return False
    # An integral in closed form is compared in microseconds; its quadrature takes seconds.
    gold, answer = gold.doit(), answer.doit()
    if gold == answer:
        return False
    size = N(Abs(gold), _DIGITS)
    apart = N(Abs(gold - answer), _DIGITS, maxn=400)
    return bool(apart > size / 10**20)


def _is_one_sort(gold: Any, answer: Any) -> bool:
    """Whether both are expressions, both relations of one kind, both sets, or both matrices."""
    from sympy import Expr, MatrixBase
    from sympy import Set as SympySet
    from sympy.core.relational import Equality, Relational

    for sort in (Equality, MatrixBase, SympySet, Expr):
        if isinstance(gold, sort) and isinstance(answer, sort):
            return True
    return bool(isinstance(gold, Relational) and type(gold) is type(answer))


def _names(tree: Any) -> set[str]:
    return {str(symbol) for symbol in getattr(tree, "free_symbols", ())}


def _parsed(text: str) -> list[Any]:
    """sympy trees of a text; none where it isn't mathematics."""
    from math_verify import LatexExtractionConfig, parse

    config = LatexExtractionConfig(boxed_match_priority=0)
    # Only LaTeX: the parser for plain expressions is sympy's, which is Python's `eval`.
    found = parse(
        f"\\boxed{{{text}}}",
        extraction_config=[config],
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )
    return [tree for tree in found if not isinstance(tree, str)]


def _worded(text: str) -> bool:
    """Whether words stand among the formulas; math-verify would multiply their letters."""
    if "\\text" in _ENVIRONMENT.sub(" ", text) or _TWO_WAYS.search(text):
        return True
    return any(w not in _MATH_WORDS for w in _WORD.findall(_ENVIRONMENT.sub(" ", text)))


def _too_big(tree: Any) -> bool:
    """Whether evaluating a tree may need numbers of more than some 60,000 digits."""
    from sympy import MatrixBase, preorder_traversal

    nodes = tree.flat() if isinstance(tree, MatrixBase) else [tree]
    seen = 0
    for root in nodes:
        for node in preorder_traversal(root):
            seen += 1
            if seen > _MAX_NODES or _bits(node) > _MAX_BITS:
                return True
    return False


def _bits(node: Any) -> float:
    """Upper bound of a number's length in bits; 0 for what isn't a number that grows."""
    from sympy import Basic, Integer, Pow, factorial

    if isinstance(node, Integer):
        return float(int(node).bit_length())
    if isinstance(node, factorial):
        top = _size(node.args[0])
        return math.inf if top > _MAX_FACTORIAL else 0.0
    if isinstance(node, Pow):
        base, power = node.args
        if not isinstance(base, Basic) or base.free_symbols or power.free_symbols:
            return 0.0 if power.is_number is False or _size(power) <= 10_000 else math.inf
        return max(1.0, _bits(base)) * _size(power) if _size(base) != 1 else 0.0
    return 0.0


def _size(node: Any) -> float:
    """Upper bound of a number's magnitude, infinite where it is out of sight."""
    from sympy import Pow

    if isinstance(node, Pow):
        base, power = _size(node.args[0]), _size(node.args[1])
        try:
            return float(base**power)
        except OverflowError:
            return math.inf
    if node.is_Number:
        return abs(float(node)) if abs(node) < 10**300 else math.inf
    sizes = [_size(arg) for arg in node.args]
    if node.is_Mul:
        return math.prod(max(1.0, size) for size in sizes)
    return math.fsum(sizes) if sizes else 1.0

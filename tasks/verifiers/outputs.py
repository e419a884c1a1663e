"""Whether what a program wrote or returned is what a test wants, by the rule of the test's set."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Rule = Literal["lines", "apps", "tokens"]
"""`lines`: stripped lines, numbers in them by value (LiveCodeBench, SYNTHETIC-1, open-r1).
`apps`: empty lines dropped, words compared, decimals within 1e-5 (APPS, TACO, PRIME).
`tokens`: words of the whole output, decimals within 1e-5 (CodeContests)."""
_RELATIVE, _ABSOLUTE = 1e-5, 1e-8
"""NumPy's `allclose`, which the graders of APPS, TACO and PRIME call."""
_RETURNED = 1e-6
_MOST_DIGITS = 1000


def same_output(written: str, wanted: str, rule: Rule) -> bool:
    """Whether standard output is the one wanted."""
    if rule == "tokens":
        return _same_words(written.split(), wanted.split(), close=True)
    got, want = _lines(written), _lines(wanted)
    if rule == "apps":
        got, want = list(filter(None, got)), list(filter(None, want))
    return len(got) == len(want) and all(
        g == w or _same_line(g, w, rule) for g, w in zip(got, want, strict=True)
    )


def same_value(returned: Any, wanted: Any) -> bool:
    """Whether a returned value, read back from JSON, is the one wanted.

    Sequences are lists; decimals may differ by a millionth, as LeetCode's judge has it.
    """
    if isinstance(wanted, str) or isinstance(returned, str):
        return isinstance(wanted, str) and isinstance(returned, str) and wanted == returned
    if isinstance(wanted, list):
        return (
            isinstance(returned, list)
            and len(wanted) == len(returned)
            and all(map(same_value, returned, wanted))
        )
    if isinstance(wanted, dict):
        if not isinstance(returned, dict):
            return False
        want = {str(key): value for key, value in wanted.items()}
        return want.keys() == returned.keys() and all(
            same_value(returned[key], value) for key, value in want.items()
        )
    if isinstance(wanted, float) and isinstance(returned, int | float):
        return returned == wanted or math.isclose(returned, wanted, rel_tol=_RETURNED)
    return bool(returned == wanted)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _same_line(got: str, want: str, rule: Rule) -> bool:
    if rule == "apps":
        return _same_words(got.split(), want.split(), close=True)
    pairs = [(_decimal(g), _decimal(w)) for g, w in zip(got.split(), want.split(), strict=False)]
    return len(got.split()) == len(want.split()) and all(g is not None and g == w for g, w in pairs)


def _same_words(got: list[str], want: list[str], *, close: bool) -> bool:
    return len(got) == len(want) and all(
        g == w or _same_number(g, w, close=close) for g, w in zip(got, want, strict=True)
    )


def _same_number(got: str, want: str, *, close: bool) -> bool:
    g, w = _decimal(got), _decimal(want)
    if g is None or w is None:
        return False
    if g == w:
        return True
    # Whole numbers are exact: 10**17 and 10**17 + 1 are not close, they are different.
    return (
        close
        and not want.lstrip("+-").isdigit()
        and math.isclose(float(g), float(w), rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    )


def _decimal(word: str) -> Decimal | None:
    if len(word) > _MOST_DIGITS:
        return None
    try:
        value = Decimal(word)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None

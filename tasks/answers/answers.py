"""What a written answer is: a quantity, a group, an equation or a text, in all its readings.

`1,234` is a number or a list of two: both readings are kept, and `compare` takes any that fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from thoughtmill.tasks.answers.clean import clean
from thoughtmill.tasks.answers.expression import (
    MAX_CHARS,
    Apply,
    Node,
    Number,
    Symbol,
    Unclear,
    parse,
    symbols,
)
from thoughtmill.tasks.answers.quantities import Quantity, read_quantity


@dataclass(frozen=True, slots=True)
class Group:
    """Several answers: a set, tuple, bare list, interval, matrix, or a union of intervals."""

    kind: Literal["set", "tuple", "list", "interval", "matrix", "union"]
    items: tuple[Answer, ...]
    closed: tuple[bool, bool] = (False, False)
    """Whether an interval holds its ends."""
    columns: int = 0
    """Width of a matrix, whose items stand row by row."""


@dataclass(frozen=True, slots=True)
class Equation:
    """Two sides; `assigns` is the name on the left where it stands there alone."""

    left: Node
    right: Answer
    assigns: str | None = None


@dataclass(frozen=True, slots=True)
class Infinity:
    sign: int


@dataclass(frozen=True, slots=True)
class Text:
    """Words, in lower case without decoration."""

    text: str


Answer = Quantity | Group | Equation | Infinity | Text

_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d]|,\d)")
_ABOUT = re.compile(
    r"^(.+?)\s*\(\s*(?:or )?(?:approximately|approx\.?|about|roughly|\\approx)\s*([^()]+)\)$"
)
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d]|,\d)")
_RATIO = re.compile(r"^\d+(?:\.\d+)?(?:\s*:\s*\d+(?:\.\d+)?){2,}$")
_MATRIX = re.compile(
    r"^\\begin\{([pbvBV]?matrix|array)\}(?:\{[lcr|]*\})?(.*)\\end\{\1\}$", re.DOTALL
)
_RELATIONS = {"=": "=", r"\approx": "=", "<": "<", ">": ">", r"\le": "<=", r"\ge": ">=",
              r"\lt": "<", r"\gt": ">", r"\in": "in", r"\ne": "!="}  # fmt: skip
_RELATION = re.compile(r"=|<|>|\\(?:approx|le|ge|lt|gt|in|ne)(?![A-Za-z])")
_ORDER = re.compile(r"<|>|\\(?:le|ge|lt|gt)(?![A-Za-z])")
_LISTED = re.compile(r",|;|\\text\{\s*,?\s*(?:and|or)\s*\}|(?<![A-Za-z])(?:and|or)(?![A-Za-z])")
_CUP = re.compile(r"\\cup(?![A-Za-z])|(?<![A-Za-z\\])U(?![A-Za-z])")
_OPENING, _CLOSING = "([{", ")]}"
_MAX_NESTING = 30
_DATE = re.compile(r"^\d{4}-\d\d?-\d\d?$|^\d\d?[/.]\d\d?[/.]\d{2,4}$")
_NAME = re.compile(r"^\\?[A-Za-z]+(?:_(?:\{\w+\}|\w))?(?:\^\{-1\})?(?:\([A-Za-z, ]{1,5}\))?'*$")


@lru_cache(maxsize=65_536)
def readings(text: str) -> tuple[Answer, ...]:
    """All readings of a written answer; empty where it can't be read without a symbolic tier."""
    if len(text) > MAX_CHARS:
        return ()
    tidy = clean(text)
    if nesting(tidy) > _MAX_NESTING:
        return ()
    found: list[Answer] = []
    for variant in _variants(tidy):
        try:
            answer = _read(variant)
        except (Unclear, RecursionError):
            continue
        if answer not in found:
            found.append(answer)
    words = as_words(tidy)
    if words and (not found or words.isalpha()):
        found.append(Text(words))
    return tuple(found)


def as_words(tidy: str) -> str | None:
    """A clean answer as words in lower case; None where it is mathematics."""
    text = re.sub(r"\\text\{([^{}]*)\}", r" \1 ", tidy)
    text = re.sub(r"^(?:it is|it's|the|an?|on)\s+", "", text.strip(), flags=re.IGNORECASE)
    text = re.sub(r"\s+", " ", _unquoted(text)).casefold()
    if not re.search(r"[^\W\d_]", text) or re.search(r"[\\{}$^_=<>+*/|]", text):
        return None
    return text


def _unquoted(text: str) -> str:
    """Without quotes and stops around it; the prime of `Q'` stays."""
    text = text.strip()
    if re.fullmatch(r"[A-Za-z]'+", text):
        return text
    return text.strip("\"'()[].!?: ")


def _variants(tidy: str) -> Iterator[str]:
    """The text as it stands, without separators in its numbers, and what it says it is about."""
    about = _ABOUT.match(tidy)
    if about:
        yield from (part for side in about.groups() for part in _variants(side.strip()))
        return
    for pattern in (_THOUSANDS, _SPACED_THOUSANDS):
        if pattern.search(tidy):
            yield pattern.sub(lambda m: re.sub(r"[ ,]", "", m.group()), tidy)
    yield tidy


def _read(text: str) -> Answer:
    text = text.strip()
    if not text or _DATE.match(text):
        raise Unclear("nothing, or a date")
    matrix = _matrix(text)
    if matrix:
        return matrix
    if text == r"\emptyset":
        return Group("set", ())
    unions = _split(text, _CUP)
    if len(unions) > 1:
        return Group("union", tuple(_interval(part) for part in unions))
    parts = _split(text, _LISTED)
    if len(parts) > 1:
        parts = [part for part in parts if part.strip()]
        if any(_ORDER.search(part) for part in parts):
            return _alternatives(parts, text)
        return Group("list", tuple(item for part in parts for item in _each(_read(part))))
    related = _split(text, _RELATION, keep=True)
    if len(related) > 1:
        return _relation(related)
    bracketed = _bracketed(text)
    if bracketed:
        return bracketed
    if _RATIO.match(text):
        return _ratio([Fraction(part.strip()) for part in text.split(":")])
    if re.search(r"\\[pm]+(?![A-Za-z])", text) and re.search(r"\\(?:pm|mp)(?![A-Za-z])", text):
        return _plus_minus(text)
    return _infinite(text) or read_quantity(text)


def _alternatives(parts: list[str], text: str) -> Answer:
    """`x < 1 or x > 2` as a union; `and` and commas would have to be intersected."""
    if re.search(r"(?<![A-Za-z])or(?![A-Za-z])", text) is None:
        return _conjunction(parts)
    return Group("union", tuple(_interval(part) for part in parts))


def _conjunction(parts: list[str]) -> Group:
    """`x > 1 and x < 5` as an interval; ends must be rational, and of one variable."""
    names = {
        name for part in parts for name in re.findall(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])", part)
    }
    found = [_read(part) for part in parts]
    if len(names) != 1 or len(parts) != 2:
        raise Unclear("inequalities of several variables")
    low: tuple[Answer, bool] = (Infinity(-1), False)
    high: tuple[Answer, bool] = (Infinity(1), False)
    for one in found:
        if not isinstance(one, Group) or one.kind != "interval":
            raise Unclear("no interval")
        bounded = [not isinstance(end, Infinity) for end in one.items]
        if bounded == [True, False] and isinstance(low[0], Infinity):
            low = (one.items[0], one.closed[0])
        elif bounded == [False, True] and isinstance(high[0], Infinity):
            high = (one.items[1], one.closed[1])
        else:
            raise Unclear("inequalities of one side")
    ends = [constant_of(end) for end in (low[0], high[0])]
    if ends[0] is None or ends[1] is None or ends[0] >= ends[1]:
        raise Unclear("an empty interval")
    return Group("interval", (low[0], high[0]), (low[1], high[1]))


def constant_of(answer: Answer) -> Fraction | None:
    """The value of a plain number with its sign; None for anything else."""
    node = answer.node if isinstance(answer, Quantity) and not answer.unit else None
    if isinstance(node, Apply) and node.op == "neg" and isinstance(node.args[0], Number):
        return -node.args[0].value
    if isinstance(node, Apply) and node.op == "div":
        over, under = node.args
        if isinstance(over, Number) and isinstance(under, Number) and under.value:
            return over.value / under.value
    return node.value if isinstance(node, Number) else None


def _each(answer: Answer) -> tuple[Answer, ...]:
    """The members of a list in a list, such as both signs of `\\pm`."""
    return answer.items if isinstance(answer, Group) and answer.kind == "list" else (answer,)


def _ratio(parts: list[Fraction]) -> Group:
    """A ratio of three or more, each part over their sum."""
    whole = sum(parts)
    if not whole:
        raise Unclear("a ratio of nothing")
    return Group("tuple", tuple(Quantity(Number(part / whole)) for part in parts))


def _infinite(text: str) -> Infinity | None:
    sign = re.match(r"^([-+]?)\s*(?:\\infty|\\text\{infinity\}|infinity|inf|oo)$", text)
    return Infinity(-1 if sign[1] == "-" else 1) if sign else None


def _plus_minus(text: str) -> Group:
    upper = text.replace(r"\pm", "+").replace(r"\mp", "-")
    lower = text.replace(r"\pm", "-").replace(r"\mp", "+")
    return Group("list", (_read(upper), _read(lower)))


def _bracketed(text: str) -> Group | None:
    """A set, tuple or interval; None for brackets that only group."""
    if text.startswith(r"\{") and text.endswith(r"\}"):
        inner, ends = text[2:-2], r"\{\}"
    elif text[0] in _OPENING and text[-1] in _CLOSING:
        inner, ends = text[1:-1], text[0] + text[-1]
    else:
        return None
    if not _balanced(inner):
        return None
    parts = [part.strip() for part in _split(inner, re.compile(r",|;"))]
    if ends in (r"\{\}", "{}"):
        if re.search(r"\\mid|\||:", inner) or (ends == "{}" and len(parts) == 1):
            raise Unclear("a set by its property, or braces that group")
        return Group("set", tuple(item for part in parts for item in _each(_read(part))))
    if len(parts) == 1:
        if ends == "[]":
            return Group("tuple", (_read(parts[0]),))
        if ends == "()":
            return None
        raise Unclear("half a bracket")
    if ends == "[]" and all(part.startswith("[") for part in parts):
        rows = [_bracketed(part) for part in parts]
        widths = {len(row.items) if row else 0 for row in rows}
        if len(widths) == 1 and 0 not in widths:
            items = tuple(item for row in rows if row for item in row.items)
            return Group("matrix", items, columns=widths.pop())
    items = tuple(_read(part) for part in parts)
    if len(parts) == 2 and ends != "()":
        return Group("interval", items, (ends[0] == "[", ends[1] == "]"))
    if ends in ("()", "[]"):
        return Group("tuple", items)
    raise Unclear("mixed brackets")


def _interval(text: str) -> Answer:
    """A part of a union: an interval, or a set of points."""
    answer = _read(text)
    if isinstance(answer, Group):
        if answer.kind == "tuple" and len(answer.items) == 2:
            return Group("interval", answer.items)
        if answer.kind in ("interval", "set"):
            return answer
    raise Unclear("no interval")


def _relation(parts: list[str]) -> Answer:
    """Sides and signs in turn: an assignment, an equation, or an interval of one variable."""
    sides, written = parts[::2], parts[1::2]
    if written[-1] == r"\approx" and len(sides) > 1:
        exact = [n for n, side in enumerate(sides[-2:]) if not re.fullmatch(r"[\s\d.,]+", side)]
        if len(exact) == 1 and not _NAME.match(sides[-2:][exact[0]].strip()):
            kept = sides[-2:][exact[0]]  # an exact value beside its approximation
            sides, written = [*sides[:-2], kept], written[:-1]
            if not written:
                return _read(kept)
    signs = [_RELATIONS[sign] for sign in written]
    if "!=" in signs or not all(side.strip() for side in sides):
        raise Unclear("a relation")
    if signs == ["in"]:
        return _read(sides[1])
    if set(signs) == {"="}:
        name = sides[0].strip()
        right = _read(sides[-1])
        if _NAME.match(name):
            return Equation(Symbol("=" + name), right, name)
        if len(sides) != 2 or not isinstance(right, Quantity) or right.unit:
            raise Unclear("a chain of equations")
        return Equation(parse(name), right)
    return _inequality([side.strip() for side in sides], signs)


def _inequality(sides: list[str], signs: list[str]) -> Group:
    """`a < x <= b` as the interval it describes, whatever the variable is called."""
    low: Answer = Infinity(-1)
    high: Answer = Infinity(1)
    closed = [False, False]
    at = next((n for n, side in enumerate(sides) if _NAME.match(side)), None)
    if at is None or len(sides) > 3 or "=" in signs or (len(sides) == 3 and at != 1):
        raise Unclear("an inequality of no single variable")
    for n, side in enumerate(sides):
        if n == at:
            continue
        bound = _read(side)
        if not isinstance(bound, Infinity) and (
            not isinstance(bound, Quantity) or symbols(bound.node)
        ):
            raise Unclear("a bound that varies")
        sign = signs[min(n, at)]
        upper = sign.startswith("<") == (n > at)
        if upper:
            high = bound
        else:
            low = bound
        closed[upper] = sign.endswith("=")
    return Group("interval", (low, high), (closed[0], closed[1]))


def _matrix(text: str) -> Group | None:
    found = _MATRIX.match(text)
    if not found:
        return None
    if found[1] in ("vmatrix", "Vmatrix"):
        raise Unclear("a determinant")
    rows = [row.split("&") for row in re.split(r"\\\\", found[2]) if row.strip()]
    if not rows or len({len(row) for row in rows}) != 1:
        raise Unclear("a ragged matrix")
    items = tuple(_read(cell) for row in rows for cell in row)
    return Group("matrix", items, columns=len(rows[0]))


def nesting(text: str) -> int:
    """How deep the brackets of a text go."""
    depth = deepest = 0
    for char in text:
        depth += (char in _OPENING) - (char in _CLOSING)
        deepest = max(deepest, depth)
    return deepest


def _balanced(text: str) -> bool:
    depth = 0
    for char in text:
        depth += (char in _OPENING) - (char in _CLOSING)
        if depth < 0:
            return False
    return depth == 0


def _split(text: str, pattern: re.Pattern[str], *, keep: bool = False) -> list[str]:
    """`text` cut at the matches of `pattern` outside brackets."""
    parts, start, depth, seen = [], 0, 0, 0
    for match in pattern.finditer(text):
        between = text[seen : match.start()]
        depth += sum(between.count(c) for c in _OPENING) - sum(between.count(c) for c in _CLOSING)
        seen = match.start()
        if depth == 0:
            parts.append(text[start : match.start()])
            if keep:
                parts.append(match.group())
            start = match.end()
    return [*parts, text[start:]]

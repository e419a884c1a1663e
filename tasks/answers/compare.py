"""Whether two written answers are the same answer.

- A missing unit is fine, a wrong one is wrong; `50`, `50%` and `0.5` for `50%` are all fine.
- Fractions and integers are compared exactly.  Where one side is a plain decimal, both are rounded
  to six places (and must agree to 0.1 % below 0.001).
- A gold that is a rounded decimal (`83.3` for 250/3) leaves the pair undecided: `rounding`.
- Sets and bare lists have no order, tuples and intervals do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations

from thoughtmill.tasks.answers.answers import Answer, Equation, Group, Infinity, Text, readings
from thoughtmill.tasks.answers.clean import clean
from thoughtmill.tasks.answers.evaluate import (
    Match,
    constant,
    equal,
    is_decimal,
    proportional,
    rational,
)
from thoughtmill.tasks.answers.expression import (
    Apply,
    Node,
    Number,
    Symbol,
    Unclear,
    parse,
    symbols,
)
from thoughtmill.tasks.answers.quantities import Quantity
from thoughtmill.tasks.answers.units import DEGREE, PERCENT, RATIO, Unit

_YES = Match(True, "same_text")
_UNCLEAR = Match(None, "not_read")
_NOTHING = frozenset(
    "none no zero never nothing null empty undefined infinite infinity dne nan".split()  # noqa: SIM905
)
_NUMBER_LIKE = frozenset(
    "half third quarter fourth fifth sixth seventh eighth ninth tenth first second dozen once "  # noqa: SIM905
    "twice thrice single pair both even odd many few infinitely".split()
)
_DIGITS_OF_ROUNDING = 3


def compare(gold: str, answer: str) -> Match:
    """Compare by the readings of both: equal if any fit, different if none can."""
    early = _as_written(clean(gold), clean(answer))
    if early:
        return early
    ours, theirs = readings(gold), readings(answer)
    if not ours or not theirs:
        same = gold.strip() == answer.strip() and bool(gold.strip())
        return _YES if same else Match(None, "not_read")
    matches = [_match(a, b) for a in ours for b in theirs]
    best = next((m for m in matches if m.equal), None)
    if best:
        return best
    # A text beside an expression says nothing where another pair of readings does.
    telling = [m for m in matches if m is not _UNCLEAR]
    return next((m for m in telling if m.equal is None), telling[0] if telling else _UNCLEAR)


def _as_written(gold: str, answer: str) -> Match | None:
    """What the spelling alone settles: the same text, letters that are no product, labels."""
    a, b = _key(gold), _key(answer)
    if a == b and a:
        return _YES
    if gold.isalpha() and answer.isalpha() and len(gold) > 1 and len(answer) > 1:
        x, y = gold.casefold(), answer.casefold()
        if x != y and sorted(x) == sorted(y):
            return Match(None, "words")
    for pattern in (_PRIMED, _DERIVED):
        if set(pattern.findall(gold)) != set(pattern.findall(answer)):
            return Match(None, "primes")
    if _LABEL.fullmatch(gold) and (label := _LABELLED.match(answer)):
        same = label[1].upper() == gold.strip("() ").upper()
        return Match(same, "same_label" if same else "other_label")
    comma, point = (gold, answer) if _COMMA.fullmatch(gold) else (answer, gold)
    number = _COMMA.match(comma)
    if number and not _COMMA.fullmatch(point):
        value = re.match(r"^-?[\d.]+", point)
        if value and value[0].rstrip("0") == number[0].replace(",", ".").rstrip("0"):
            return Match(None, "decimal_comma")
    if _CLOCK.fullmatch(gold) and _CLOCK.fullmatch(answer):
        return _clocks(gold, answer)
    return None


def _key(tidy: str) -> str:
    text = re.sub(
        r"([\^_])\{(\w)\}", r"\1\2", re.sub(r"(?<!\\)(?<![A-Za-z])\s+|\s+(?![A-Za-z\\])", "", tidy)
    )
    return text.strip("$ ").rstrip(".")


def _clocks(gold: str, answer: str) -> Match | None:
    ours, theirs = _CLOCK.fullmatch(gold), _CLOCK.fullmatch(answer)
    assert ours
    assert theirs
    if not (ours[3] or theirs[3] or "00" in (ours[2], theirs[2])):
        same_digits = (int(ours[1]), ours[2]) == (int(theirs[1]), theirs[2])
        return Match(True, "same_time") if same_digits else None
    if (int(ours[1]), ours[2]) != (int(theirs[1]), theirs[2]):
        half = bool(ours[3]) != bool(theirs[3])
        return Match(None, "clock") if half else Match(False, "other_time")
    if ours[3] and theirs[3] and ours[3].lower() != theirs[3].lower():
        return Match(False, "other_time")
    return Match(True, "same_time")


_PRIMED = re.compile(r"[A-Za-z]'+")
_DERIVED = re.compile(r"\\(?:dot|ddot)(?![A-Za-z])")
_LABEL = re.compile(r"\(?[A-Ja-j]\)?")
_LABELLED = re.compile(r"^(?:\\text\{)?\s*\(?([A-J])[).:]\s*\}?\s*\S")
_COMMA = re.compile(r"-?\d+,\d+")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})\s*(?:\\text\{\s*)?(?:([aApP])\.?\s?[mM]\.?)?\s*\}?")


def _match(gold: Answer, answer: Answer) -> Match:
    if isinstance(gold, Equation) or isinstance(answer, Equation):
        return _equations(gold, answer)
    if isinstance(gold, Text) or isinstance(answer, Text):
        return _texts(gold, answer)
    if isinstance(gold, Group) or isinstance(answer, Group):
        return _groups(gold, answer)
    if isinstance(gold, Infinity) or isinstance(answer, Infinity):
        return _infinities(gold, answer)
    return _quantities(gold, answer)


_TRUTH = {"true": "yes", "false": "no"}


def _texts(gold: Answer, answer: Answer) -> Match:
    if isinstance(gold, Text) and isinstance(answer, Text):
        if gold.text == answer.text:
            return _YES
        a, b = (_TRUTH.get(side.text, side.text) for side in (gold, answer))
        if a == b:
            return _YES
        single = a.isalpha() and b.isalpha()
        short_form = a.startswith(b) or b.startswith(a)
        return Match(False, "different_text") if single and not short_form else Match(None, "words")
    words = gold if isinstance(gold, Text) else answer
    other = answer if words is gold else gold
    assert isinstance(words, Text)
    if (
        isinstance(other, Quantity)
        and not symbols(other.node)
        and words.text.isalpha()
        and len(words.text) > 1
        and words.text not in _NOTHING | _NUMBER_LIKE
        and words is gold
    ):
        return Match(False, "different_kind")
    return _UNCLEAR


def _infinities(gold: Answer, answer: Answer) -> Match:
    if isinstance(gold, Infinity) and isinstance(answer, Infinity):
        return Match(gold.sign == answer.sign, "infinity")
    other = answer if isinstance(gold, Infinity) else gold
    if isinstance(other, Quantity) and constant(other.node) is not None:
        return Match(False, "infinity")
    return _UNCLEAR


def _quantities(gold: Quantity | Infinity, answer: Quantity | Infinity) -> Match:
    assert isinstance(gold, Quantity)
    assert isinstance(answer, Quantity)
    if gold.base or answer.base:
        return _based(gold, answer)
    a, b = gold.unit, answer.unit
    if a == b:
        return _numbers(gold, answer)
    if a is None or b is None:
        plain = _numbers(gold, answer)
        unit = a or b
        if unit is None:
            return plain
        if unit.dimensions == (("count", 1),):
            return equal(
                _scaled(gold.node, a.factor if a else Fraction(1)),
                _scaled(answer.node, b.factor if b else Fraction(1)),
            )
        if (
            plain.equal
            and unit == PERCENT
            and _is_below_one(answer.node if b is None else gold.node)
        ):
            return Match(None, "percent_unclear")
        if plain.equal and unit == DEGREE and _has_pi(gold.node):
            return Match(None, "unit_unclear")
        if plain.equal and unit.bare and (gold.written or answer.written):
            return Match(None, "unit_unclear")
        if plain.equal:
            return plain
        if unit in (PERCENT, DEGREE):
            share = _scaled(gold.node, a.factor if a else Fraction(1), a == DEGREE)
            other = _scaled(answer.node, b.factor if b else Fraction(1), b == DEGREE)
            scaled = equal(share, other)
            return scaled if scaled.equal else plain
        if plain.equal is False and (symbols(gold.node) or symbols(answer.node)):
            return Match(None, "unit_unclear")  # `5m` against `5 \\cdot m`: metres, or a variable
        return plain
    if a.dimensions == b.dimensions and (a.offset or b.offset) and a != b:
        return equal(_kelvin(gold.node, a), _kelvin(answer.node, b))
    if a.dimensions == b.dimensions:
        told = equal(_scaled(gold.node, a.factor), _scaled(answer.node, b.factor))
        misread = told.equal is False and equal(gold.node, answer.node).equal
        return Match(False, "wrong_unit") if misread else told
    plain = _numbers(gold, answer)
    if {a.dimensions, b.dimensions} == {(("angle", 1),), (("radian", 1),)}:
        return equal(
            _scaled(gold.node, a.factor, a == DEGREE), _scaled(answer.node, b.factor, b == DEGREE)
        )
    if RATIO in (a, b):
        return Match(None, "ratio")
    if a.is_noun or b.is_noun:
        if plain.equal is False and a.is_noun and b.is_noun:
            return plain
        return Match(None, "unit_unclear")
    return Match(False, "wrong_unit")


def _is_renamed(gold: Node, answer: Node) -> bool:
    """Whether other names for the answer's variables, up to three of them, make it the gold."""
    ours, theirs = sorted(symbols(gold)), sorted(symbols(answer))
    if len(ours) != len(theirs) or len(ours) > 3:
        return False
    return any(
        equal(gold, _renamed(answer, dict(zip(theirs, names, strict=True)))).equal
        for names in permutations(ours)
    )


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    if isinstance(node, Symbol):
        return Symbol(names.get(node.name, node.name))
    if isinstance(node, Apply):
        return Apply(node.op, tuple(_renamed(arg, names) for arg in node.args))
    return node


def _is_below_one(node: Node) -> bool:
    number = constant(node)
    try:
        return number is not None and abs(rational(number)) <= 1
    except Unclear:
        return True


def _has_pi(node: Node) -> bool:
    return node == Symbol("pi") or (isinstance(node, Apply) and any(_has_pi(a) for a in node.args))


def _kelvin(node: Node, unit: Unit) -> Node:
    scaled = Apply("mul", (node, Number(unit.factor, is_decimal(node))))
    return Apply("add", (scaled, Number(unit.offset)))


def _numbers(gold: Quantity, answer: Quantity) -> Match:
    told = equal(gold.node, answer.node)
    ours, theirs = symbols(gold.node), symbols(answer.node)
    if told.equal is False and ours != theirs and _is_renamed(gold.node, answer.node):
        return Match(None, "other_names")
    if told.equal is False and _may_be_rounded(gold, answer):
        return Match(None, "rounding")
    return told


def _scaled(node: Node, factor: Fraction, by_pi: bool = False) -> Node:
    """A tree times a factor, in radians where that is asked for."""
    if factor != 1:
        node = Apply("mul", (node, Number(factor, is_decimal(node))))
    return Apply("mul", (node, Symbol("pi"))) if by_pi else node


def _may_be_rounded(gold: Quantity, answer: Quantity) -> bool:
    """Whether the gold is what the answer gives when it is rounded to the gold's own places."""
    if not is_decimal(gold.node):
        return False
    whole, _, places = gold.written.lstrip("+-").partition(".")
    if not places.strip("0").isdigit() or not places.isdigit():
        return False  # an integer, if perhaps as `27.0`
    if len((whole + places).lstrip("0")) < _DIGITS_OF_ROUNDING:
        return False
    exact, given = constant(answer.node), constant(gold.node)
    if exact is None or not isinstance(given, Fraction):
        return False
    try:
        apart = abs(rational(exact) - given)
    except Unclear:
        return False
    return 0 < apart <= Fraction(1, 2 * 10 ** len(places))


def _based(gold: Quantity, answer: Quantity) -> Match:
    """A wrong base is wrong, a missing one is not: then the digits must be the same."""
    if gold.base and answer.base:
        same = (gold.base, gold.node) == (answer.base, answer.node)
        return Match(same, "base" if gold.base == answer.base else "wrong_base")
    based, bare = (gold, answer) if gold.base else (answer, gold)
    if based.base == 10:
        return equal(gold.node, answer.node)
    digits = bare.written.replace(" ", "").lower().lstrip("0") or "0"
    if digits == based.written:
        return Match(True, "digits")
    same_value = equal(gold.node, answer.node).equal
    return Match(False, "wrong_base" if same_value else "different_value")


def _equations(gold: Answer, answer: Answer) -> Match:
    if isinstance(gold, Equation) and isinstance(answer, Equation):
        if gold.assigns and gold.assigns == answer.assigns:
            return _match(gold.right, answer.right)
        if gold.assigns and answer.assigns and _is_value(gold) and _is_value(answer):
            told = _match(gold.right, answer.right)
            if told.equal or told.reason != "other_names":
                return told
            return Match(None, "other_names")
        if gold.assigns and answer.assigns and not _varies(gold) and not _varies(answer):
            return Match(False, "other_variable")
        return _curves(gold, answer)
    equation, other = (gold, answer) if isinstance(gold, Equation) else (answer, gold)
    assert isinstance(equation, Equation)
    if isinstance(other, Text):
        return _UNCLEAR
    if not equation.assigns:
        return Match(None, "equation")
    right = equation.right
    return _match(right, other) if equation is gold else _match(other, right)


def _is_value(equation: Equation) -> bool:
    """Whether an equation says what a function is: `y = …` or `f(x) = …` without `y` in it."""
    name = equation.assigns or ""
    free = symbols(equation.right.node) if isinstance(equation.right, Quantity) else frozenset("y")
    called = re.fullmatch(r"[A-Za-z](?:\^\{?-1\}?)?\(([A-Za-z])\)", name)
    return "y" not in free and (name == "y" or bool(called))


def _varies(equation: Equation) -> bool:
    return not isinstance(equation.right, Quantity) or bool(symbols(equation.right.node))


def _curves(gold: Equation, answer: Equation) -> Match:
    """Equations are the same where their differences of sides are proportional."""
    ours, theirs = _difference(gold), _difference(answer)
    if ours is None or theirs is None:
        return Match(None, "equation")
    return Match(True, "same_curve") if proportional(ours, theirs) else Match(None, "equation")


def _difference(equation: Equation) -> Node | None:
    if not isinstance(equation.right, Quantity) or equation.right.unit:
        return None
    left = equation.left
    if equation.assigns:
        try:
            left = parse(equation.assigns)
        except Unclear:
            return None
    return Apply("add", (left, Apply("neg", (equation.right.node,))))


def _groups(gold: Answer, answer: Answer) -> Match:
    if not isinstance(gold, Group) or not isinstance(answer, Group):
        return _lone(gold, answer)
    ours, theirs = gold.kind, answer.kind
    kinds = {ours, theirs}
    if kinds == {"tuple", "interval"}:
        pair, span = (gold, answer) if ours == "tuple" else (answer, gold)
        if len(pair.items) == 2:
            same_ends = span.closed == (False, False)
            return _ordered(gold, answer) if same_ends else Match(False, "different_ends")
        return Match(False, "different_kind")
    if kinds == {"matrix", "tuple"}:
        return (
            _ordered(gold, answer) if gold.columns + answer.columns == 1 else Match(None, "vector")
        )
    if kinds == {"list", "interval"} and not (theirs == "interval" and all(answer.closed)):
        return Match(False, "different_kind")
    if "list" in kinds and kinds & {"tuple", "interval"}:
        # `[1, 2]` for the gold `1, 2` is a list as programs write it.
        told = _ordered(gold, answer)
        return told if told.equal else Match(None, "order")
    if kinds <= {"set", "list"}:
        if max(len(_names(gold)), len(_names(answer))) > 1 and _names(gold) != _names(answer):
            told = _ordered(gold, answer)
            return told if told.equal else Match(None, "order")
        return _unordered(gold.items, answer.items)
    if ours != theirs:
        return Match(None, "kinds")
    if ours == "union":
        return _unordered(gold.items, answer.items)
    if ours == "interval" and gold.closed != answer.closed:
        return Match(False, "different_ends")
    if gold.columns != answer.columns:
        return Match(False, "different_shape")
    return _ordered(gold, answer)


def _names(group: Group) -> set[str]:
    return {item.assigns for item in group.items if isinstance(item, Equation) and item.assigns}


def _lone(gold: Answer, answer: Answer) -> Match:
    """A group against one value: a set of one is its member, several are not one."""
    group, other = (gold, answer) if isinstance(gold, Group) else (answer, gold)
    assert isinstance(group, Group)
    if group.kind in ("set", "list", "tuple"):
        if len(group.items) == 1:
            first = group.items[0]
            return _match(first, other) if group is gold else _match(other, first)
        parts = {item.assigns if isinstance(item, Equation) else "" for item in group.items}
        if len(parts) > 1:
            return Match(None, "several_parts")
        if isinstance(other, Quantity) and len(group.items) > 1:
            if any(_match(item, group.items[0]).equal is not False for item in group.items[1:]):
                return Match(None, "repeats")
            return Match(False, "different_count")
    if group.kind == "interval" and isinstance(other, Quantity):
        return Match(False, "different_kind")
    return _UNCLEAR


def _ordered(gold: Group, answer: Group) -> Match:
    if len(gold.items) != len(answer.items):
        return Match(False, "different_count")
    return _all([_match(a, b) for a, b in zip(gold.items, answer.items, strict=True)])


def _unordered(gold: Sequence[Answer], answer: Sequence[Answer]) -> Match:
    """Each member of one has its equal in the other; a repeated member counts once."""
    if len(gold) * len(answer) > 400:
        return Match(None, "too_many")
    table = [[_match(a, b) for b in answer] for a in gold]
    rows = [_any(row) for row in table]
    columns = [_any([row[n] for row in table]) for n in range(len(answer))]
    return _all([*rows, *columns])


def _any(matches: Sequence[Match]) -> Match:
    return next((m for m in matches if m.equal), None) or next(
        (m for m in matches if m.equal is None), Match(False, "different_members")
    )


def _all(matches: Sequence[Match]) -> Match:
    """Different where one is, unclear where one is, else the same."""
    return (
        next((m for m in matches if m.equal is False), None)
        or next((m for m in matches if m.equal is None), None)
        or Match(True, "same_members")
    )

"""Whether two written answers are the same answer.

- A missing unit is fine, a wrong one is wrong; `50`, `50%` and `0.5` for `50%` are all fine.
- Fractions and integers are compared exactly.  Where one side is a plain decimal, both are rounded
  to six places (and must agree to 0.1 % below 0.001).
- A gold that is a rounded decimal (`83.3` for 250/3) leaves the pair undecided: `rounding`.
- Sets and bare lists have no order, tuples and intervals do.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tasks.verifiers.answers import Answer, Equation, Group, Infinity, Text, readings
from tasks.verifiers.evaluate import Match, constant, equal, is_decimal, proportional, rational
from tasks.verifiers.expression import Apply, Node, Number, Symbol, Unclear, parse, symbols
from tasks.verifiers.quantities import Quantity
from tasks.verifiers.units import DEGREE, PERCENT, RATIO

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


def _texts(gold: Answer, answer: Answer) -> Match:
    if isinstance(gold, Text) and isinstance(answer, Text):
        if gold.text == answer.text:
            return _YES
        a, b = gold.text, answer.text
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
        if unit is None or plain.equal:
            return plain
        if unit in (PERCENT, DEGREE):
            share = _scaled(gold.node, a.factor if a else Fraction(1), a == DEGREE)
            other = _scaled(answer.node, b.factor if b else Fraction(1), b == DEGREE)
            scaled = equal(share, other)
            return scaled if scaled.equal else plain
        if plain.equal is False and (symbols(gold.node) or symbols(answer.node)):
            return Match(None, "unit_unclear")  # `5m` against `5 \\cdot m`: metres, or a variable
        return plain
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
        return plain if plain.equal is False else Match(None, "unit_unclear")
    return Match(False, "wrong_unit")


def _numbers(gold: Quantity, answer: Quantity) -> Match:
    told = equal(gold.node, answer.node)
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

"""Trees given a value, and two trees compared: exactly where both are rational, else at points.

Two expressions that agree at several points of no special kind to 30 digits are the same; ones that
differ at all of them are not (Schwartz 1980, Zippel 1979).  In between there is no opinion.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath

from thoughtmill.tasks.answers.expression import Apply, Node, Number, Symbol, Unclear, symbols

_MP = mpmath.MPContext()
_MP.prec = 140
_MAX_BITS = 60_000
"""Longest exact number; beyond it the pair goes to a worker with a deadline."""
_MAX_ARGUMENT = 1_000
_MAX_FACTORIAL = 3_000
_FINE_BITS = 1_200
"""Precision at which constants are compared that agree, or vanish, at the ordinary one."""
_SAME = _MP.mpf(10) ** -30
_ZERO = _MP.mpf(10) ** -30
_APART = _MP.mpf(10) ** -9
_LARGE = 10**9
"""Above this a small summand may drown in the rounding, so near-equality proves nothing."""
_DECIMALS = 6
_SMALL = Fraction(1, 1000)

Exact = Fraction
Value = Any
"""`Fraction` while exact, else mpmath's real or complex number."""


class Match(NamedTuple):
    """Whether two things are equal, None where it can't be told, and why."""

    equal: bool | None
    reason: str


def value(node: Node, at: Mapping[str, Value]) -> Value:
    """The value of a tree where its variables are `at`.  Raises `Unclear` where it has none."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Symbol):
        if node.name in _CONSTANTS:
            return +_CONSTANTS[node.name]
        return at[node.name]
    args = [value(arg, at) for arg in node.args]
    try:
        result = _OPERATORS[node.op](*args)
    except (
        ZeroDivisionError,
        ValueError,
        OverflowError,
        TypeError,
        mpmath.libmp.NoConvergence,
    ) as e:
        raise Unclear("undefined") from e
    if isinstance(result, Fraction):
        _bounded(result)
    elif not _MP.isfinite(result):
        raise Unclear("not finite")
    return result


def constant(node: Node) -> Value | None:
    """The value of a tree without variables; None where it has some, or no value."""
    if symbols(node):
        return None
    try:
        return value(node, {})
    except Unclear:
        return None


def equal(gold: Node, answer: Node) -> Match:
    """Whether two expressions are the same function of their variables."""
    if gold == answer:
        return Match(True, "same_value")
    names = sorted(symbols(gold) | symbols(answer))
    try:
        if not names:
            return _constants(gold, answer)
    except Unclear:
        return Match(None, "not_evaluated")
    verdicts = [_at_point(gold, answer, names, point) for point in _POINTS]
    told = [v for v in verdicts if v is not None]
    stretched = _has_stretches(gold) or _has_stretches(answer)
    if len(told) >= 4 and all(told):
        if stretched and not _same_far_out(gold, answer, names):
            return Match(None, "branches")
        return Match(True, "same_value")
    if _alternates(gold) or _alternates(answer):
        return Match(None, "branches")
    if not stretched and _same_where_real(gold, answer, names):
        return Match(True, "same_value")
    # Below zero roots and logarithms branch: there only agreement is evidence.
    positive = [v for v in verdicts[:_POSITIVE] if v is not None]
    if len(positive) >= 2 and not any(positive):
        return Match(False, "different_value")
    return Match(None, "branches")


def _operators(node: Node) -> frozenset[str]:
    if isinstance(node, Apply):
        return frozenset((node.op,)).union(*(_operators(arg) for arg in node.args))
    return frozenset()


def _has_stretches(node: Node) -> bool:
    return bool(_operators(node) & {"floor", "ceil", "abs"}) or _alternates(node)


def _alternates(node: Node) -> bool:
    """Whether a negative constant is raised to a power that varies, as in `(-1)^n`."""
    if not isinstance(node, Apply):
        return False
    if node.op == "pow" and symbols(node.args[1]) and not symbols(node.args[0]):
        base = constant(node.args[0])
        if isinstance(base, Fraction) and base < 0:
            return True
    return any(_alternates(arg) for arg in node.args)


def _same_far_out(gold: Node, answer: Node, names: list[str]) -> bool:
    """Whether expressions that are constant on stretches agree far out and at integers too."""
    found = []
    for point in _POINTS:
        for scale in (Fraction(137), Fraction(-11_003), Fraction(10**6 + 3)):
            found.append(_at_point(gold, answer, names, [scale * x for x in point]))
            whole = [Fraction(round(scale * x)) for x in point]
            found.append(_at_point(gold, answer, names, whole))
    told = [v for v in found if v is not None]
    return len(told) >= 12 and all(told)


def _same_where_real(gold: Node, answer: Node, names: list[str]) -> bool:
    """Whether both are the same wherever every root and logarithm in them is real.

    `\\sqrt{ab}` and `\\sqrt a\\sqrt b` are, `\\sqrt{x^2}` and `x` are not.
    """
    told = 0
    for number, point in enumerate(_POINTS):
        at = dict(zip(names, _shifted(point, len(names)), strict=True))
        if not _is_real(gold, at) or not _is_real(answer, at):
            if number < _POSITIVE:
                return False
            continue
        same = _at_point(gold, answer, names, point)
        if not same:
            return False
        told += 1
    return told >= _POSITIVE


def _is_real(node: Node, at: Mapping[str, Value]) -> bool:
    try:
        if isinstance(value(node, at), _MP.mpc):
            return False
    except Unclear:
        return False
    return not isinstance(node, Apply) or all(_is_real(arg, at) for arg in node.args)


def proportional(gold: Node, answer: Node) -> bool | None:
    """Whether one expression is a constant multiple of the other; None where that can't be told."""
    names = sorted(symbols(gold) | symbols(answer))
    ratios = []
    for point in _POINTS:
        at = dict(zip(names, _shifted(point, len(names)), strict=True))
        try:
            ratios.append(_mp(value(gold, at)) / _mp(value(answer, at)))
        except (Unclear, ZeroDivisionError):
            continue
    if len(ratios) < 4 or abs(ratios[0]) < _ZERO:
        return None
    first = ratios[0]
    return all(abs(r - first) <= _SAME * abs(first) for r in ratios)


def close(gold: Fraction, answer: Fraction) -> bool:
    """The rule for decimals: equal when rounded to six places, and to 0.1 % where both are tiny."""
    if round(gold, _DECIMALS) != round(answer, _DECIMALS):
        return False
    top = max(abs(gold), abs(answer))
    return top >= _SMALL or abs(gold - answer) <= _SMALL * top


def is_decimal(node: Node) -> bool:
    """Whether a tree is a plain number written as a decimal, with a sign or a power of ten."""
    if isinstance(node, Number):
        return node.decimal
    if isinstance(node, Apply):
        if node.op == "neg":
            return is_decimal(node.args[0])
        if node.op == "mul":
            return is_decimal(node.args[0]) and _is_power_of_ten(node.args[1])
    return False


def _is_power_of_ten(node: Node) -> bool:
    return (
        isinstance(node, Apply) and node.op == "pow" and node.args[0] == Number(Fraction(10), False)
    )


def _constants(gold: Node, answer: Node) -> Match:
    a, b = value(gold, {}), value(answer, {})
    if is_decimal(gold) or is_decimal(answer):
        same: bool | None = close(rational(a), rational(b))
    elif isinstance(a, Fraction) and isinstance(b, Fraction):
        same = a == b
    else:
        same = _same(a, b)
    if same is None:
        same = _same_finely(gold, answer)
    if same is None:
        return Match(None, "not_evaluated")
    return Match(same, "same_value" if same else "different_value")


def _same_finely(gold: Node, answer: Node) -> bool | None:
    """Constants at high precision: what was rounding vanishes, what is tiny stays."""
    with _MP.workprec(_FINE_BITS):
        x, y = _mp(value(gold, {})), _mp(value(answer, {}))
        apart, scale = abs(x - y), max(abs(x), abs(y))
        noise = _MP.mpf(2) ** (-_FINE_BITS // 2)
        if scale < noise:
            return None
        if apart <= noise * scale:
            return True
        return False if apart > _MP.mpf(10) ** -60 * scale else None


def rational(number: Value) -> Fraction:
    """A real number as a fraction, to the working precision."""
    if isinstance(number, Fraction):
        return number
    if isinstance(number, _MP.mpc):
        if abs(number.imag) > _ZERO:
            raise Unclear("complex")
        number = number.real
    sign, man, exp, bits = number._mpf_
    if abs(exp) + bits > _MAX_BITS:
        raise Unclear("too big")
    return Fraction(-int(man) if sign else int(man)) * Fraction(2) ** int(exp)


def _at_point(gold: Node, answer: Node, names: list[str], point: Sequence[Fraction]) -> bool | None:
    at = dict(zip(names, _shifted(point, len(names)), strict=True))
    try:
        return _same(value(gold, at), value(answer, at))
    except Unclear:
        return None


def _same(a: Value, b: Value) -> bool | None:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    x, y = _mp(a), _mp(b)
    apart, scale = abs(x - y), max(abs(x), abs(y))
    if scale > _LARGE and apart <= _APART * scale:
        return None
    if apart <= _SAME * scale:
        return True
    if apart <= _ZERO:
        return True if x == 0 or y == 0 else None
    return False if apart > _APART * scale else None


def _shifted(point: Sequence[Fraction], count: int) -> list[Fraction]:
    """As many coordinates as there are variables, all different."""
    return [point[n % len(point)] + Fraction(n // len(point), 13) for n in range(count)]


def _bounded(number: Fraction) -> None:
    if number.numerator.bit_length() + number.denominator.bit_length() > _MAX_BITS:
        raise Unclear("too big")


def _mp(number: Value) -> Value:
    if isinstance(number, Fraction):
        return _MP.mpf(number.numerator) / number.denominator
    return number


def _pow(base: Value, power: Value) -> Value:
    if isinstance(power, Fraction) and power.denominator == 1:
        if isinstance(base, Fraction):
            bits = base.numerator.bit_length() + base.denominator.bit_length()
            if bits * abs(power) > _MAX_BITS:
                raise Unclear("too big")
            return base ** int(power)
        if abs(power) > _MAX_ARGUMENT:
            raise Unclear("too big")
        return base ** int(power)
    if base == 0:
        raise Unclear("a power of zero")
    x, y = _mp(base), _mp(power)
    if abs(y) > _MAX_ARGUMENT or abs(_MP.log(x)) > _MAX_ARGUMENT:
        raise Unclear("too big")
    return _MP.power(x, y)


def _root(radicand: Value, index: Value = Fraction(2)) -> Value:
    if not isinstance(index, Fraction) or index.denominator != 1 or not 2 <= index <= 100:
        raise Unclear("an odd root")
    degree = int(index)
    if isinstance(radicand, Fraction):
        root = _exact_root(abs(radicand), degree)
        if root is not None and (radicand >= 0 or degree % 2):
            return root if radicand >= 0 else -root
        if radicand < 0 and degree > 2:
            # Principal or real: the two schools differ.
            raise Unclear("a root of a negative number")
    return _MP.root(_mp(radicand), degree)


def _exact_root(radicand: Fraction, degree: int) -> Fraction | None:
    parts = []
    for whole in (radicand.numerator, radicand.denominator):
        root = int(_MP.nint(_MP.root(_MP.mpf(whole), degree))) if whole.bit_length() < 120 else 0
        if root**degree != whole:
            return None
        parts.append(root)
    return Fraction(parts[0], parts[1])


def _factorial(number: Value) -> Value:
    if abs(number) > _MAX_FACTORIAL:
        raise Unclear("too big")
    if isinstance(number, Fraction) and number.denominator == 1 and number >= 0:
        return Fraction(math.factorial(int(number)))
    return _MP.gamma(_mp(number) + 1)


def _binomial(top: Value, under: Value) -> Value:
    if max(abs(top), abs(under)) > _MAX_ARGUMENT:
        raise Unclear("too big")
    return _factorial(top) / (_factorial(under) * _factorial(top - under))


def _of(function: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """A function of one number, which must not be huge."""

    def call(number: Value) -> Value:
        if abs(number) > 10**9:
            raise Unclear("too big")
        return function(_mp(number))

    return call


def _exp(number: Value) -> Value:
    if abs(number) > _MAX_ARGUMENT:
        raise Unclear("too big")
    return _MP.exp(_mp(number))


def _abs(number: Value) -> Value:
    return abs(number) if isinstance(number, Fraction) else _MP.fabs(number)


def _mixed(operator: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    def call(a: Value, b: Value) -> Value:
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return operator(a, b)
        return operator(_mp(a), _mp(b))

    return call


_CONSTANTS: dict[str, Value] = {"pi": _MP.pi, "e": _MP.e, "i": _MP.mpc(0, 1)}
_OPERATORS: dict[str, Callable[..., Value]] = {
    "add": _mixed(lambda a, b: a + b),
    "mul": _mixed(lambda a, b: a * b),
    "div": _mixed(lambda a, b: a / b),
    "neg": lambda a: -a,
    "pow": _pow,
    "sqrt": _root,
    "root": _root,
    "factorial": _factorial,
    "binomial": _binomial,
    "abs": _abs,
    "floor": lambda a: Fraction(int(_MP.floor(_mp(a)))),
    "ceil": lambda a: Fraction(int(_MP.ceil(_mp(a)))),
    "log": lambda a, base: _MP.log(_mp(a)) / _MP.log(_mp(base)),
    "exp": _exp,
    "sinh": lambda a: (_exp(a) - _exp(-a)) / 2,
    "cosh": lambda a: (_exp(a) + _exp(-a)) / 2,
    "ln": lambda a: _MP.log(_mp(a)),
    "lg": lambda a: _MP.log10(_mp(a)),
    **{
        name: _of(getattr(_MP, "a" + name.removeprefix("arc").removeprefix("a")))
        for name in ("arcsin", "arccos", "arctan", "asin", "acos", "atan")
    },
    **{
        name: _of(getattr(_MP, name)) for name in ("sin", "cos", "tan", "cot", "sec", "csc", "tanh")
    },
}
_POSITIVE = 4
_POINTS: tuple[tuple[Fraction, ...], ...] = tuple(
    tuple(Fraction(n, 10_007) for n in point)
    for point in (
        (13_591, 21_737, 17_389, 25_943, 11_273),
        (30_011, 12_343, 27_751, 14_489, 22_807),
        (7_919, 4_219, 9_421, 2_957, 6_143),
        (47_123, 38_891, 52_361, 61_409, 43_867),
        (-17_569, 14_653, -23_311, 19_597, -12_109),
        (-5_303, -8_641, 3_571, -2_399, 7_001),
    )
)

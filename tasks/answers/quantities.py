"""Numbers and expressions as they are written: with units, in a base, as a ratio, `5 ft 3 in`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from thoughtmill.tasks.answers.expression import Apply, Node, Number, Unclear, parse
from thoughtmill.tasks.answers.units import RATIO, Unit, split_unit, unit_of


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number or an expression, with its unit."""

    node: Node
    unit: Unit | None = None
    written: str = ""
    """The magnitude as it was written, for rounding and for digits of another base."""
    base: int | None = None
    """The number base that was written with it."""


_BASED = re.compile(r"^\(?([0-9A-Za-z]+)\)?\s*_\s*(?:\{\s*)?(?:\\text\{)?([a-z]+|\d{1,2})\}*$")
_HEX = re.compile(r"^[A-Fa-f]{2,}\s*_\s*\{?16\}?$")
_BASE_NAMES = {"two": 2, "three": 3, "eight": 8, "ten": 10, "sixteen": 16, "b": 2, "o": 8, "x": 16}
_PREFIXED = re.compile(r"^0([bBoOxX])([0-9A-Fa-f]+)$")
_IN_BASE = re.compile(r"^([0-9A-Fa-f]+)\s*(?:\(|\\text\{)?\s*(?:in )?base[ -]([a-z]+|\d+)\)?\}?$")
_MEASURES = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+|\\text\{[A-Za-z .]*\})[\s,]*")
_PLAIN = re.compile(r"^[-+]?\d+(?:\.\d+)?$")
_FOREIGN = re.compile(r"^([-+]?\d[\d.]*(?:/\d+)?)\s*([^\W\d_a-zA-Z°µΩ][^\W\d_]*\.?)$")
_FOREIGN_UNITS = {
    "км": "km", "м": "\\text{m}", "см": "cm", "мм": "mm", "кг": "kg", "г": "\\text{g}", "ч": "\\text{h}",  # noqa: E501
    "с": "\\text{s}", "мин": "min", "米": "\\text{m}", "厘米": "cm", "毫米": "mm", "千米": "km", "公里": "km",  # noqa: E501
    "克": "\\text{g}", "千克": "kg", "公斤": "kg", "小时": "\\text{h}", "分钟": "min", "秒": "\\text{s}", "度": "°",  # noqa: E501
}  # fmt: skip
"""Russian and Chinese names of common units; other words are nouns."""
_RATIO = re.compile(r"^(-?\d+(?:\.\d+)?)\s*:\s*(\d+(?:\.\d+)?)$")


def read_quantity(text: str) -> Quantity:
    """The quantity that a clean text writes.  Raises `Unclear`."""
    if _PLAIN.match(text):
        return Quantity(_plain(text), None, text)
    based = _BASED.match(text) or _IN_BASE.match(text)
    prefixed = _PREFIXED.match(text)
    if prefixed:
        return _in_base(prefixed[2], _BASE_NAMES[prefixed[1].lower()])
    if based and (any(c.isdigit() for c in based[1]) or _HEX.match(based[0])):
        base = _BASE_NAMES.get(based[2]) or (int(based[2]) if based[2].isdigit() else 0)
        return _in_base(based[1], base)
    ratio = _RATIO.match(text)
    if ratio:
        sides = (_plain(ratio[1]), _plain(ratio[2]))
        return Quantity(Apply("div", sides), RATIO, text)
    foreign = _FOREIGN.match(text)
    if foreign:
        word = foreign[2].strip()
        known: Unit | None = unit_of(_FOREIGN_UNITS[word]) if word in _FOREIGN_UNITS else None
        noun = Unit(((f"noun:{word}", 1),))
        return Quantity(parse(foreign[1]), known or noun, foreign[1])
    measured = _measures(text)
    if measured:
        return measured
    magnitude, unit = split_unit(text)
    magnitude = magnitude.strip().removeprefix("+")
    return Quantity(parse(magnitude), unit, magnitude)


def _measures(text: str) -> Quantity | None:
    """`5 ft 3 in` as one quantity in the first unit; None where it is something else."""
    parts = _MEASURES.findall(text)
    if len(parts) < 2 or "".join(m.group() for m in _MEASURES.finditer(text)) != text:
        return None
    units = [unit_of(name) for _, name in parts]
    first = units[0]
    if first is None or first.is_noun:
        return None
    total = Fraction(0)
    for (number, _), unit in zip(parts, units, strict=True):
        if unit is None or unit.dimensions != first.dimensions:
            return None
        total += Fraction(number) * unit.factor / first.factor
    return Quantity(Number(total), first)


def _in_base(digits: str, base: int) -> Quantity:
    if not 2 <= base <= 36 or len(digits) > 200:
        raise Unclear("no base")
    try:
        value = Fraction(int(digits, base))
    except ValueError as exc:
        raise Unclear("digits that the base lacks") from exc
    return Quantity(Number(value), None, digits.lower().lstrip("0") or "0", base)


def _plain(text: str) -> Node:
    value = Fraction(text)
    node = Number(abs(value), "." in text)
    return Apply("neg", (node,)) if value < 0 else node

"""The actions of a steered robot: a small grammar, and what people and models call its actions.

Owns which actions there are and how a wording is read.  Every action has one spelling of its own
(`move forward 25 cm`, `turn left 15 degrees`, `stop`), which is what items and traces hold.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from pydantic import Field

from thoughtmill.schemas.base import Frozen

Family = Literal["forward", "left", "right", "stop"]
_TOLERANCE = 0.01
_MAX_CHARS = 400
_NOT_LETTER = r"(?![^\W\d_])"
_WORDS: dict[str, str] = {
    "forward": r"forwards?|fwd|ahead|straight|onwards?|advance|vorwärts|geradeaus|avanc\w+"
    r"|tout droit|avanz\w+|adelante",
    "left": r"left(?:wards?)?|counter-?clockwise|anti-?clockwise|links|gauche|izquierda",
    "right": r"right(?:wards?)?|clockwise|rechts|droite|derecha",
    "stop": r"stop(?:s|ped|ping)?|halt(?:s|ed|ing)?|stand still|stay(?: put| here)?|done"
    r"|finish(?:ed)?|stopp|anhalten|arrêt\w*|s'arrêter|parar|detener(?:se)?",
    # Directions the grammar does not have: named so that they are refused, not overlooked.
    "other": r"back(?:wards?)?|backwards|reverse|around|u-turn|up(?:wards?)?|down(?:wards?)?|strafe"
    r"|sideways|jump|grab|pick",
}
_SIGNS: dict[str, str] = {
    "forward": "↑⬆⇧🡑前",
    "left": "←⬅⇦↰↶⟲左",
    "right": "→➡⇨↱↷⟳右",
    "stop": "■⏹🛑停",
    "other": "↓⬇⇩后後",
}
_FAMILY = {
    name: re.compile(
        rf"(?<![^\W\d_])(?:{words}){_NOT_LETTER}|[{_SIGNS[name]}]",
        re.IGNORECASE,
    )
    for name, words in _WORDS.items()
}
_AMOUNT = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)?|\.\d+)\s*-?\s*"
    r"(?P<unit>centimet(?:er|re)s?|cms?|zentimeter|厘米|millimet(?:er|re)s?|mm|met(?:er|re)s?|meter|米"
    rf"|m|degrees?|degs?|grad|°|º|度)?{_NOT_LETTER}",
    re.IGNORECASE,
)
_SPELLED = {
    "fifteen": "15",
    "twenty-five": "25",
    "twenty five": "25",
    "thirty": "30",
    "forty-five": "45",
    "forty five": "45",
    "fifty": "50",
    "seventy-five": "75",
    "seventy five": "75",
    "a quarter of a met": "0.25 met",
    "a quarter met": "0.25 met",
    "half a met": "0.5 met",
    "three quarters of a met": "0.75 met",
}
_NEGATED = re.compile(r"\b(?:not|never|no|without|instead)\b|n['’]t\b|不", re.IGNORECASE)
_NEGATIVE = re.compile(r"(?<![\w.,)])[-−]\d")
_GO = re.compile(r"\b(?:move|go|walk|step|drive|travel|proceed|continue)\b", re.IGNORECASE)
_NUMBER_WORD = re.compile("|".join(sorted(_SPELLED, key=len, reverse=True)), re.IGNORECASE)


class Reading(NamedTuple):
    """What a wording says: an action in the grammar's spelling, or why it is none."""

    action: str | None
    reason: str
    """`ok`, `no_action`, `several_actions`, `unknown_action` or `outside_grammar`."""


class Actions(Frozen):
    """The grammar.  Defaults are those of Aux-Think (arXiv 2505.11886, §3)."""

    forward_cm: tuple[int, ...] = (25, 50, 75)
    """Lengths of a step forward, in centimetres."""
    turn_degrees: tuple[int, ...] = (15, 30, 45)
    """Angles of a turn to the left or right, in degrees."""
    stop: bool = True
    """Whether the robot may stop."""
    bare_forward_cm: int | None = 25
    """What a step without a length means; null makes it no action."""
    bare_turn_degrees: int | None = 15
    """What a turn without an angle means; null makes it no action."""
    codes: dict[str, str] = Field(default_factory=dict)
    """Actions a data set writes as codes, such as `{"0": stop, "1": move forward 25 cm}`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every action, in its own spelling."""
        return (
            *(f"move forward {cm} cm" for cm in self.forward_cm),
            *(f"turn {side} {d} degrees" for side in ("left", "right") for d in self.turn_degrees),
            *(("stop",) if self.stop else ()),
        )

    def read(self, wording: str) -> Reading:
        """The one action that a wording names.  Never guesses between two."""
        text = self.codes.get(wording.strip(), wording).strip()
        if not text:
            return Reading(None, "no_action")
        if len(text) > _MAX_CHARS:
            return Reading(None, "unknown_action")
        return _read(self.forward_cm, self.turn_degrees, self.stop, *self._bare, _plain(text))

    @property
    def _bare(self) -> tuple[int | None, int | None]:
        return self.bare_forward_cm, self.bare_turn_degrees


@lru_cache(maxsize=4096)
def _read(
    forward_cm: tuple[int, ...],
    turn_degrees: tuple[int, ...],
    stop: bool,
    bare_forward: int | None,
    bare_turn: int | None,
    text: str,
) -> Reading:
    families = [name for name, pattern in _FAMILY.items() if pattern.search(text)]
    # "turn back", "go straight up": a direction the grammar lacks decides.
    if "other" in families:
        return Reading(None, "outside_grammar")
    if _NEGATIVE.search(text):  # to the other side? Who can tell
        return Reading(None, "outside_grammar")
    amounts = [(_value(m["number"]), (m["unit"] or "").lower()) for m in _AMOUNT.finditer(text)]
    if not families and amounts and amounts[0][1] and _GO.search(text):
        families = ["forward"]  # "go 50 cm": where to is where it looks
    if not families or _NEGATED.search(text):
        return Reading(None, "unknown_action")
    if len(families) > 1 or len(set(amounts)) > 1:
        return Reading(None, "several_actions")
    family = families[0]
    if family == "stop":
        return Reading("stop", "ok") if stop and not amounts else Reading(None, "outside_grammar")
    known, bare = (forward_cm, bare_forward) if family == "forward" else (turn_degrees, bare_turn)
    if not amounts:
        size: float | None = bare
    else:
        size = _in_cm(*amounts[0], known) if family == "forward" else _in_degrees(*amounts[0])
    found = next((k for k in known if size is not None and abs(k - size) < _TOLERANCE), None)
    if found is None:
        return Reading(None, "outside_grammar")
    if family == "forward":
        return Reading(f"move forward {found} cm", "ok")
    return Reading(f"turn {family} {found} degrees", "ok")


def _plain(text: str) -> str:
    """`TURN_LEFT`, `turnLeft` and number words as plain words."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")
    return _NUMBER_WORD.sub(lambda match: _SPELLED[match.group().lower()], text)


def _value(number: str) -> float:
    return float(number.replace(",", "."))


def _in_cm(value: float, unit: str, known: tuple[int, ...]) -> float | None:
    if unit in ("°", "º", "度") or unit.startswith(("deg", "grad")):
        return None
    if unit.startswith(("c", "z", "厘")):
        return value
    if unit.startswith(("mm", "milli")):
        return value / 10
    if unit:
        return value * 100
    # A bare number is centimetres where the grammar has it, else metres.
    return value if any(abs(k - value) < _TOLERANCE for k in known) else value * 100


def _in_degrees(value: float, unit: str) -> float | None:
    turned = not unit or unit in ("°", "º", "度") or unit.startswith(("deg", "grad"))
    return value if turned else None

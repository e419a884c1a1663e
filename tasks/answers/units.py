"""Units of measure and money: what stands around a number, and how units compare.

A unit is a product of powers of dimensions with a factor.  Nouns that aren't units (`apples`) are
dimensions of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction

from thoughtmill.tasks.answers.expression import FUNCTIONS

Dimensions = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    dimensions: Dimensions
    """Dimension and power, sorted; a noun is `noun:…`."""
    factor: Fraction = Fraction(1)
    """The unit in base units."""
    offset: Fraction = Fraction(0)
    """What is added on the way to kelvin."""
    bare: bool = field(default=False, compare=False)
    """Written as a single letter that may be a variable: `3 m`."""

    @property
    def is_noun(self) -> bool:
        return any(name.startswith("noun:") for name, _ in self.dimensions)


PERCENT = Unit((("percent", 1),), Fraction(1, 100))
RATIO = Unit((("ratio", 1),))
"""Of two numbers written `3:4`; a time of day looks the same."""
DEGREE = Unit((("angle", 1),), Fraction(1, 180))
"""In half turns: `\\pi` radians."""


def _scaled(
    dimension: str | tuple[int, int, int], table: str
) -> dict[str, tuple[Dimensions, Fraction]]:
    """Names and factors of one dimension, or of powers of mass, length and time.

    Lines of `table` are `factor name name …`; factors are in gram, metre, second.
    """
    found: dict[str, tuple[Dimensions, Fraction]] = {}
    dimensions: Dimensions = ((dimension, 1),) if isinstance(dimension, str) else ()
    if not isinstance(dimension, str):
        named = zip(("mass", "length", "time"), dimension, strict=True)
        dimensions = tuple(sorted((name, power) for name, power in named if power))
    for line in table.strip().splitlines():
        factor, *names = line.split()
        for name in names:
            found[name] = (dimensions, Fraction(factor))
    return found


_TABLE: dict[str, tuple[Dimensions, Fraction]] = {
    **_scaled(
        "length",
        """
        1 m meter metre
        1/1000 mm millimeter millimetre
        1/100 cm centimeter centimetre
        1/10 dm decimeter decimetre
        1000 km kilometer kilometre
        1/1000000 µm micrometer micrometre micron
        1/1000000000 nm nanometer nanometre
        127/5000 inch inches in
        381/1250 ft foot feet
        1143/1250 yd yard
        201168/125 mi mile
        1852 nmi
        9460730472580800 ly
        149597870700 au
        """,
    ),
    **_scaled(
        "mass",
        """
        1 g gram gramme gm
        1/1000 mg milligram
        1000 kg kilogram kilo
        1000000 t tonne
        45359237/100000 lb lbs pound
        45359237/1600000 oz ounce
        """,
    ),
    **_scaled(
        "time",
        """
        1 s sec second
        1/1000 ms millisecond
        60 min minute mins
        3600 h hr hour hrs
        86400 day
        604800 week
        2629746 month
        31556952 year yr
        """,
    ),
    **_scaled("money:USD", "1 $ usd dollar\n1/100 ¢ cent"),
    **_scaled("money:EUR", "1 € eur euro"),
    **_scaled("money:GBP", "1 £ gbp"),
    **_scaled("money:JPY", "1 ¥ jpy yen"),
    **_scaled("money:INR", "1 ₹ inr rs rupee"),
    **_scaled("angle", "1/180 ° deg degree\n1/10800 arcminute\n1/648000 arcsecond"),
    **_scaled("radian", "1 rad radian"),
    **_scaled("percent", "1/100 % percent percentage pct"),
    **_scaled("kelvin", "1 kelvin K °c celsius\n5/9 °f fahrenheit"),
    **_scaled("count", "12 dozen\n144 gross\n20 score"),
    **_scaled("mole", "1 mol mole"),
    **_scaled("current", "1 ampere amp\n1/1000 ma milliampere"),
    **_scaled("voltage", "1 V volt\n1000 kv"),
    **_scaled("resistance", "1 ohm Ω"),
    **_scaled((1, 2, -3), "1000 W watt\n1000000 kw kilowatt"),
    **_scaled((1, 2, -2), "1000 J joule\n1000000 kj kilojoule\n3600000000 kwh\n4184 cal calorie"),
    **_scaled((1, 1, -2), "1000 N newton\n1000000 kn"),
    **_scaled(
        (1, -1, -2),
        "1000 pa pascal\n1000000 kpa\n101325000 atm"
        "\n100000000 bar\n100000 mbar hpa\n1000000000 mpa",
    ),
    **_scaled((0, 0, -1), "1 hz hertz\n1000 khz\n1000000 mhz\n1000000000 ghz\n1/60 rpm"),
    **_scaled(
        "bits",
        "1 bit\n8 byte\n8000 kb kilobyte\n8000000 mb megabyte\n8000000000 gb gigabyte"
        "\n8000000000000 tb terabyte"
        "\n8192 kib\n8388608 mib\n8589934592 gib\n8796093022208 tib",
    ),
    "l": ((("length", 3),), Fraction(1, 1000)),
    "liter": ((("length", 3),), Fraction(1, 1000)),
    "litre": ((("length", 3),), Fraction(1, 1000)),
    "ml": ((("length", 3),), Fraction(1, 10**6)),
    "milliliter": ((("length", 3),), Fraction(1, 10**6)),
    "millilitre": ((("length", 3),), Fraction(1, 10**6)),
    "cc": ((("length", 3),), Fraction(1, 10**6)),
    "gal": ((("length", 3),), Fraction(473176473, 125 * 10**9)),
    "gallon": ((("length", 3),), Fraction(473176473, 125 * 10**9)),
    "cl": ((("length", 3),), Fraction(1, 10**5)),
    "dl": ((("length", 3),), Fraction(1, 10**4)),
    "quart": ((("length", 3),), Fraction(473176473, 5 * 10**11)),
    "pint": ((("length", 3),), Fraction(473176473, 10**12)),
    "knot": ((("length", 1), ("time", -1)), Fraction(463, 900)),
    "hectare": ((("length", 2),), Fraction(10**4)),
    "ha": ((("length", 2),), Fraction(10**4)),
    "acre": ((("length", 2),), Fraction(316160658, 78125)),
    "mph": ((("length", 1), ("time", -1)), Fraction(1397, 3125)),
    "kmh": ((("length", 1), ("time", -1)), Fraction(5, 18)),
    "kph": ((("length", 1), ("time", -1)), Fraction(5, 18)),
}
_ATTACHED = frozenset(["m", "g", "s", "h", "l", "L"])
"""Single letters that are units where they touch the number; others are variables there."""
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "squared": 2, "cubed": 3}
_FILLERS = frozenset(
    "of the in total unit units each whole exactly about approximately only and a an "  # noqa: SIM905
    "left more".split()
)
_NO_NOUNS = FUNCTIONS | frozenset(
    "pi alpha beta gamma delta theta lambda sigma phi psi omega log mod or if for all real any "  # noqa: SIM905
    "where when sqrt frac binom".split()
)
_MONEY_BEFORE = re.compile(r"^(-?)\s*(?:US|USD)?\s*([$€£¥₹])\s*(-?[\d.].*)$")
_AFTER = re.compile(
    r"^(?P<number>.*?[\d})!\]](?![\d.,)}\]])|.*\\pi)(?P<gap>[\s~]*)"
    r"(?=\\text|\\?%|[A-Za-z°µΩ¢$€£¥₹/])"
    r"(?P<unit>(?:\\text\{[^{}]*\}|\\(?:cdot|times|per|%)|%|[A-Za-z°µΩ¢$€£¥₹]|[/^\s.]|\^\{-?\d\}|-?\d)+)$"
)
_TRIGONOMETRY = re.compile(r"(?<![A-Za-z])(?:arc)?(?:sin|cos|tan|cot|sec|csc)h?(?![A-Za-z])")
_VARIABLE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]")
_TEMPERATURE = re.compile(r"(?:°|\bdeg(?:ree)?s?)\s*(c|f)(?:elsius|ahrenheit)?\b", re.IGNORECASE)
_WORD = re.compile(r"°?[A-Za-zµΩ]+|[$€£¥₹¢%°]|\^\{?(-?\d)\}?|/|(?<=[A-Za-z])(-?\d)|.")


def split_unit(text: str) -> tuple[str, Unit | None]:
    """The magnitude in `text` and its unit; `text` itself and None where it has none."""
    money = _MONEY_BEFORE.match(text)
    if money:
        sign, currency, rest = money.groups()
        number, after = split_unit(rest)
        unit = unit_of(currency)
        if unit and after and not after.is_noun and after.dimensions != unit.dimensions:
            return text, None
        return sign + number, unit
    after_match = _AFTER.match(text) if len(text) < 300 else None
    if not after_match:
        return text, None
    words = after_match["unit"].strip()
    bare = re.fullmatch(r"[A-Za-z]+", words)
    if bare and not after_match["gap"] and len(words) == 1 and words not in _ATTACHED:
        return text, None
    number = after_match["number"]
    if bare and not after_match["gap"] and len(words) == 1 and _VARIABLE.search(number):
        return text, None  # `6x+3h`: one variable among others
    if "°" in words and _TRIGONOMETRY.search(number):
        return text, None
    if re.fullmatch(r"[A-Za-z](?:\^?\{?-?\d*\}?[-\d]*)", words) and re.search(
        r"(?<!\\)(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])|\\(?!frac|sqrt|pi|times|cdot)[A-Za-z]+", number
    ):
        return text, None
    if bare and len(words) == 1 and not re.fullmatch(r"-?[\d.,/ ]+", number):
        return text, None
    unit = unit_of(words)
    if unit and bare and len(words) == 1:
        unit = replace(unit, bare=words not in "Ll")
    if unit is None or (unit.is_noun and not re.fullmatch(r"-?[\d.,/ ]+|.*\}", number)):
        return text, None
    return number.strip(), unit


def unit_of(text: str) -> Unit | None:
    """The unit that `text` names; None where it names none."""
    text = re.sub(r"\\text\{([^{}]*)\}", r" \1 ", text).replace("\\%", "%")
    text = _TEMPERATURE.sub(r" °\1 ", text)
    text = re.sub(r"\\(?:cdot|times)|(?<=[a-zA-Z])\.(?=\s|$|[a-zA-Z])|\*", " ", text)
    powers: dict[str, int] = {}
    factor = Fraction(1)
    sign, ahead = 1, 1
    last: tuple[Dimensions, Fraction, int] | None = None
    for match in _WORD.finditer(text):
        word = match.group()
        if word.isspace() or word in ("-", ","):
            continue
        if word in ("/", "per"):
            sign = -1
            continue
        if word.isdigit() and not match[2]:
            return None
        exponent = match[1] or match[2]
        if exponent is None and word in ("squared", "cubed"):
            exponent = str(_POWERS[word])
        if exponent is not None:
            if last is None:
                return None
            dimensions, scale, used = last
            more = used * (int(exponent) - 1)
            factor *= scale**more
            for name, power in dimensions:
                powers[name] = powers.get(name, 0) + power * more
            continue
        if word in _POWERS:
            ahead = _POWERS[word]
            continue
        if word.lower() in _FILLERS and word != "in":
            continue
        named = _lookup(word)
        if named is None:
            return None
        used = sign * ahead
        ahead = 1
        factor *= named[1] ** used
        for name, power in named[0]:
            powers[name] = powers.get(name, 0) + power * used
        last = (*named, used)
    dimensions = tuple(sorted((name, power) for name, power in powers.items() if power))
    offset = _OFFSETS.get(text.strip().lower().replace(" ", ""), Fraction(0))
    return Unit(dimensions, factor, offset) if dimensions else None


_OFFSETS = {
    **dict.fromkeys(("°c", "celsius"), Fraction(27315, 100)),
    **dict.fromkeys(("°f", "fahrenheit"), Fraction(45967, 180)),
}


def _lookup(word: str) -> tuple[Dimensions, Fraction] | None:
    """A word's dimension and factor: as written, in lower case, in the singular, else a noun."""
    lower = word.lower()
    if len(word) == 1 and word in "njvwk":
        return None
    for form in (word, lower, lower.removesuffix("s"), lower.removesuffix("es")):
        if form in _TABLE:
            return _TABLE[form]
    if len(lower) < 3 or lower in _NO_NOUNS or not lower.isalpha():
        return None
    return ((f"noun:{lower.removesuffix('s')}", 1),), Fraction(1)

"""The many dialects of written mathematics brought to one, which `expression` reads.

It changes how a thing is written, never what it means; anything odd is left as it stands.
"""

from __future__ import annotations

import re
import unicodedata

_FRACTIONS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅛": "1/8"}
_SUPERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
_SUBS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_CHARS = str.maketrans(
    {
        **dict.fromkeys("−–—‒﹣", "-"),
        **dict.fromkeys("\u00a0\u2000\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009", " "),
        **dict.fromkeys("\u200a\u200b\u202f\u2060\ufeff", " "),
        "×": r" \times ", "✕": r" \times ", "⋅": r" \cdot ", "·": r" \cdot ", "∙": r" \cdot ",
        "÷": r" \div ", "±": r" \pm ", "∓": r" \mp ", "π": r" \pi ", "∞": r" \infty ",
        "≤": r" \le ", "≥": r" \ge ", "≠": r" \ne ", "≈": r" \approx ", "∪": r" \cup ",
        "≃": r" \approx ", "⁄": "/", "∕": "/",
        "∩": r" \cap ", "∈": r" \in ", "∅": r" \emptyset ", "θ": r" \theta ", "α": r" \alpha ",
        "β": r" \beta ", "γ": r" \gamma ", "λ": r" \lambda ", "μ": "µ", "∘": "°", "º": "°",
        "⟨": "(", "⟩": ")", "“": '"', "”": '"', "’": "'", "‘": "'", "′": "'",
    }
)  # fmt: skip
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"\\(?:left|right|middle|[bB]igg?[lrm]?)(?![A-Za-z])\s*\.?(?=[\s(){}\[\]|\\]|$)", ""),
        (r"\\(?:displaystyle|textstyle|scriptstyle|limits|nolimits|rm|bf|it)(?![A-Za-z])", " "),
        (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
        (r"(?<=\d),\\!(?=\d{3}(?!\d))", ""),
        (r"(?<!\\)\\(?:thinspace|quad|qquad|enspace|,|;|:|!| |~)", " "),
        (r"(?<!\\)~", " "),
        (r"(?<!\d)0\{,\}(?=\d)", "0."),
        (r"(?<=\d)\{,\}(?=\d{1,2}(?!\d))", "."),
        (r"\{,\}", ","),
        (r"(?<=\d)\.(?=\s*/)", ""),
        (r"\^\s*\{\s*((?:\\prime\s*)+)\}", r"\1"),
        (r"\s*(?:\^\s*)?\\prime(?![A-Za-z])\s*", "'"),
        (r"\\doteq(?![A-Za-z])", r" \\approx "),
        (r"\\[pb]?mod(?![A-Za-z])\s*(?:\{\s*(\d+)\s*\}|(\d+))", r"\\pmod{\1\2}"),
        (r"\\pounds(?![A-Za-z])", "£"),
        (r"\\text\s*\{\s*([$€£¥])\s*\}", r"\1"),
        (r"\\l(?:or)(?![A-Za-z])|\\vee(?![A-Za-z])", r" \\text{ or } "),
        (r"\\(?:land|wedge)(?![A-Za-z])", r" \\text{ and } "),
        (r"\\leq(?:slant)?(?![A-Za-z])", r"\\le"),
        (r"\\geq(?:slant)?(?![A-Za-z])", r"\\ge"),
        (r"<=", r" \\le "),
        (r">=", r" \\ge "),
        (r"\\neq(?![A-Za-z])", r" \\ne "),
        (r"\\lbrace(?![A-Za-z])", r"\\{"),
        (r"\\rbrace(?![A-Za-z])", r"\\}"),
        (r"\\l(?:brack|angle)(?![A-Za-z])", "("),
        (r"\\r(?:brack|angle)(?![A-Za-z])", ")"),
        (r"\\[lr]?vert(?![A-Za-z])", "|"),
        (r"\\(?:varnothing|O)(?![A-Za-z])|\\\{\s*\\\}|(?<![\\\w])\{\s*\}(?![\w}])", r"\\emptyset "),
        (r"\\(?:degree|degrees)(?![A-Za-z])|\^\s*\{?\s*\\circ\s*\}?|\^°", "°"),
        (r"\\(?:mbox|mathrm|mathit|mathbf|textbf|textit|textrm|textnormal|mathsf|operatorname\*?|bold)"
         r"\s*\{", r"\\text{"),
        (r"\\text\{\s*\}", ""),
        (r"\bplus or minus\b|\+/-|\+-(?=\s*[\d\\])", r" \\pm "),
        (r"\*\*(?=\s*[\w({\\-])(?<=[\w)}]\*\*)", "^"),
        (r"\^\s*(-?\d\d+)(?![\d.])", r"^{\1}"),
        (r"(?<=\d)\s*[xX](?=\s*10\s*\^)", r" \\times "),
        (r"\\(?:implies|Rightarrow|rightarrow|to)(?![A-Za-z])", r" \\to "),
        (r"\bsqrt\b(?<!\\sqrt)", r"\\sqrt"),
        (r"\\vec\s*\{([^{}]*)\}", r"\1"),
        (r"(?<=\d)(?:\^\{?)?\s*(?:\\text\{)?(?:st|nd|rd|th)\}?\}?(?![A-Za-z])", ""),
        (r"(?<![\w.])(\d+(?:\.\d+)?)[eE]([-+]?\d{1,3})(?![\w.])", r"\1 \\times 10^{\2}"),
        (r"√\s*(\d+(?:\.\d+)?|[A-Za-z])", r"\\sqrt{\1}"),
        (r"√", r"\\sqrt"),
        (r"^(?:approximately|approx\.?|about|roughly|around|exactly)\s+(?=\S*\d)", ""),
        (r"^\\approx\s*", ""),
    )
)  # fmt: skip
_SUPER_RUN = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]+")
_SUB_RUN = re.compile(r"[₀₁₂₃₄₅₆₇₈₉]+")
_REPEATING = re.compile(r"(?<!\d)(\d{1,20})\.(\d{0,20})\\(?:overline|bar|dot)\{(\d{1,20})\}")
_SQRT_CALL = re.compile(r"\\sqrt\s*\(")
_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "  # noqa: SIM905
    "fifteen sixteen seventeen eighteen nineteen".split()
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NUMBER_WORDS = {word: value for value, word in enumerate(_WORDS)} | {
    word: 10 * (value + 2) for value, word in enumerate(_TENS)
}
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9}


_UPRIGHT = frozenset(
    "text mbox mathrm textrm textnormal mathsf textsf texttt textbf textit emph".split()  # noqa: SIM905
)
_MATH_STYLES = frozenset("mathbf boldsymbol bm pmb mathrm mathit mathsf mathnormal".split())  # noqa: SIM905
_STYLE = re.compile(
    r"\\(text|mbox|mathrm|textrm|textnormal|mathsf|textsf|texttt|textbf|textit|emph|mathbf|boldsymbol"
    r"|bm|pmb|mathit|mathnormal|bold|underline|overbrace|underbrace|cancel|ensuremath|large|Large|huge"
    r"|small|framebox)\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
)
_COLOUR = re.compile(
    r"\\(?:color\s*\{[^{}]*\}|textcolor\s*\{[^{}]*\}|(?:large|Large|huge|small|bf|boldmath)(?![A-Za-z{]))"
)
_WRAPPED = re.compile(r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_ENDS = re.compile(r"^[\s✅✓✔🎉☑]+|[\s✅✓✔🎉☑。\ufe0f]+$")
_CURRENCY_CODE = re.compile(r"^(?:USD|US\$)\s*\$?\s*(?=[\d.])")


def clean(text: str) -> str:
    """`text` in one dialect, without delimiters, decoration, or the full stop that ends it."""
    text = _SUPER_RUN.sub(lambda m: "^{" + m.group().translate(_SUPERS) + "}", text)
    text = _SUB_RUN.sub(lambda m: "_{" + m.group().translate(_SUBS) + "}", text)
    for sign, plain in _FRACTIONS.items():
        text = text.replace(sign, f" {plain}")
    text = unicodedata.normalize("NFKC", text.translate(_CHARS)).translate(_CHARS)
    text = _undelimited(_unstyled(_ENDS.sub("", text)))
    for pattern, to in _RULES:
        text = pattern.sub(to, text)
    text = _square_roots(text)
    text = _REPEATING.sub(_repeating, text)
    text = _ENDS.sub("", text.strip().strip('`"')).strip()
    text = _CURRENCY_CODE.sub("$", text)
    text = re.sub(r"(?<!\.)\.$", "", text).strip().strip(",;").strip()
    return re.sub(r"\s+", " ", spelled_number(text))


def _unstyled(text: str) -> str:
    """Without bold, colour and size, and with numbers and formulas out of `\\text{…}`.

    Words stay in `\\text`: outside it their letters would be variables.
    """
    text = _COLOUR.sub("", text)
    for _ in range(8):
        styled = _STYLE.sub(_bare_style, text)
        if styled == text:
            break
        text = styled
    return _WRAPPED.sub(r"\1", text.strip()) if _WRAPPED.fullmatch(text.strip()) else text


def _bare_style(style: re.Match[str]) -> str:
    name, inner = style.groups()
    plain = inner.strip().strip("$").strip()
    if name in _UPRIGHT:
        is_number = bool(re.search(r"\d", plain)) and not re.search(
            r"[^\W\d_]{2,}|\s[^\W\d_]", plain
        )
        is_formula = bool(re.match(r"\\(?![%$])", plain)) or inner.strip().startswith("$")
        if not is_number and not is_formula:
            return style.group()
    elif re.search(r"[A-Za-z]{2,}", plain) and "\\" not in plain:
        return rf"\text{{{inner}}}"
    return re.sub(r"(?<=\d) (?=\d)", "", plain) if name in _MATH_STYLES else f" {plain} "


def _undelimited(text: str) -> str:
    """Without `$…$`, `\\(…\\)` and `**…**`; a dollar sign before a number is money and stays."""
    text = text.strip().strip("*").strip()
    text = re.sub(r"\\[()]|\\[\[\]](?!\d+(?:pt|em|ex))", " ", text)
    if text.count("$") - text.count(r"\$") >= 2:
        text = re.sub(r"(?<!\\)\$\$?", " ", text)
    text = text.replace(r"\$", "$")
    return re.sub(r"\\[$]", "$", text)


def _repeating(decimal: re.Match[str]) -> str:
    """`0.1\\overline{6}` as a fraction."""
    whole, steady, cycle = decimal.groups()
    nines = (10 ** len(cycle) - 1) * 10 ** len(steady)
    over = int(whole + steady + cycle) - int(whole + steady)
    return rf"\frac{{{over}}}{{{nines}}}"


def _square_roots(text: str) -> str:
    """`sqrt(x)` as `\\sqrt{x}`."""
    for _ in range(20):
        call = _SQRT_CALL.search(text)
        if not call:
            break
        depth, at = 1, call.end()
        while at < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        if depth:
            break
        text = f"{text[: call.start()]}\\sqrt{{{text[call.end() : at - 1]}}}{text[at:]}"
    return text


def spelled_number(text: str) -> str:
    """`twenty-one` as `21`, `3 million apples` as `3000000 apples`; others as they are."""
    text = re.sub(r"^([$€£])\s*([\d.,]+)\s?[kK]$", r"\1\2 thousand", text)
    words = re.split(r"[\s-]+", text.strip().lower())
    if words and words[0] in _NUMBER_WORDS and not re.search(r"[\d\\=+*/^]", text):
        value = _spelled(words)
        if value is not None:
            return value
    scaled = re.fullmatch(
        r"([$€£]?)\s*(-?[\d.,]+)\s*(?:\\text\{)?\s*(hundred|thousand|million|billion)s?\}?(\b.*)",
        text,
    )
    if scaled and re.fullmatch(r"-?\d+(?:,\d{3})*(?:\.\d+)?", scaled.group(2)):
        sign, number, scale, rest = scaled.groups()
        whole, _, part = number.replace(",", "").partition(".")
        zeros = len(str(_SCALES[scale])) - 1
        digits = whole + part.ljust(zeros, "0")
        point = len(whole) + zeros
        tail = digits[point:].rstrip("0")
        return f"{sign}{digits[:point]}{'.' + tail if tail else ''}{rest}"
    return text


def _spelled(words: list[str]) -> str | None:
    """The value of number words and what follows them; None where they don't make a number."""
    total, current, last = 0, 0, 1000
    used = 0
    for word in words:
        if word in _NUMBER_WORDS:
            value = _NUMBER_WORDS[word]
            if last < 100 and not (last >= 20 and value < 10):
                return None  # "two three" is no number
            current += value
            last = value
        elif word in _SCALES:
            scale = _SCALES[word]
            current *= scale
            if scale > 100:
                total, current = total + current, 0
            last = 1000
        elif word == "and" and last == 1000 and used:
            pass
        else:
            break
        used += 1
    rest = " ".join(words[used:])
    return f"{total + current} {rest}".strip()

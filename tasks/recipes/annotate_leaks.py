"""Signs that a reasoning was told its answer: a table of patterns, one row a way of saying so.

The patterns are ours.  "So the right answer is 12" is how a solver talks and is no leak; "the given
answer", "as we were told" and "working back from the answer" are.  They look for words, so a leak
without such words passes: the blind pass is the other half of the check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_THING = r"(?:answer|action|option|choice|label|conclusion|response)"
_PLURAL = r"(?!\s+(?:choices|options|possibilities|space|set|list)\b)"
_FR_THING = r"(?:réponse|action|option|solution)"
_ES_THING = r"(?:respuesta|acción|opción|solución)"
_DE_THING = r"(?:Antwort|Aktion|Option|Lösung|Handlung)"

LEAKS: tuple[str, ...] = (
    # English: what is called given, known or expected.
    r"\b(?:given|provided|supplied|known|expected|predetermined|pre-determined|prescribed|intended"
    rf"|specified|stated|official|target)\s+(?:final\s+|correct\s+|right\s+|next\s+)?{_THING}\b"
    rf"{_PLURAL}",
    r"\b(?:reference|gold(?:en|[- ]standard)?|ground[- ]truth|official|expected|ideal)\s+"
    r"(?:final\s+|next\s+)?(?:answer|action|solution|label|response)\b",
    r"\b(?:the\s+)?(?:answer|solution)\s+(?:key|sheet)\b",
    r"\bground[- ]truth\b",
    # Who was told.
    r"\b(?:I|we)(?:['’](?:ve|m|re)|\s+(?:have|am|are|was|were|had))?\s+(?:been\s+|already\s+)*"
    r"(?:told|given|informed|handed|shown)\s+(?:that\s+|of\s+)?(?:the|this|that)\s+(?:\w+\s+)?"
    r"(?:answer|action|conclusion|label|response|(?:correct|right)\s+(?:option|choice))\b"
    rf"{_PLURAL}",
    rf"\b{_THING}\s+(?:that\s+)?(?:(?:I|we)\s+)?(?:was|were|is|are|am|has\s+been|have\s+been)\s+"
    r"(?:already\s+)?(?:given|provided|supplied|told|stated|specified|known|prescribed)\b"
    r"(?!\s+(?:by|as\s+a|in\s+terms))",
    r"\b(?:I|we)\s+(?:were|was|have\s+been|am|are)\s+(?:asked|told|instructed)\s+(?:not\s+)?to\s+"
    r"(?:arrive|reach|justify|explain|mention|reveal|write|produce|end)\b",
    # Reasoning from the end.
    rf"\b(?:already\s+know|know\s+in\s+advance|knowing)\s+(?:that\s+)?(?:the|this|our)\s+"
    rf"(?:\w+\s+){{0,2}}{_THING}\b",
    rf"\bwork(?:s|ed|ing)?\s+back(?:wards?)?\s+from\s+(?:the|this|that)\s+(?:\w+\s+){{0,2}}{_THING}",
    rf"\b(?:since|because|given\s+that)\s+the\s+(?:correct|right|next)\s+{_THING}\s+is\b",
    rf"\bto\s+(?:justify|match|support|rationali[sz]e)\s+(?:the|this|that)\s+(?:\w+\s+)?{_THING}\b",
    # The request itself.
    r"\bfor\s+(?:you|me)\s+alone\b",
    r"\b(?:must|should|may|can|will)(?:\s*n['’]t|not|\s+not|\s+never)\s+(?:mention|reveal|betray"
    r"|let\s+on|disclose|say\s+that\s+I)\b",
    rf"\b(?:the\s+)?(?:prompt|user)\s+(?:says?|tells?|told|gives?|gave|states?|provides?|provided)"
    rf"\b[^.;\n]{{0,40}}\b{_THING}\b{_PLURAL}",
    r"\b(?:as|like)\s+(?:I\s+was|we\s+were)\s+told\b",
    # German, French, Spanish, Italian, Portuguese.
    rf"\b(?:vor)?(?:ge)?(?:gebene|bekannte|erwartete|genannte|mitgeteilte)[nrs]?\s+{_DE_THING}\b",
    r"\bMusterlösung\b",
    rf"\b{_FR_THING}\s+(?:(?:qui\s+est|déjà)\s+)?(?:donnée|fournie|connue|attendue|indiquée)\b",
    rf"\b{_ES_THING}\s+(?:ya\s+)?(?:dada|proporcionada|conocida|esperada|indicada)\b",
    r"\b(?:risposta|azione|opzione)\s+(?:già\s+)?(?:data|fornita|nota|attesa|indicata)\b",
    r"\b(?:resposta|ação|opção)\s+(?:já\s+)?(?:dada|fornecida|conhecida|esperada|indicada)\b",
    # Russian, Chinese, Japanese.
    r"\b(?:данн|известн|указанн|ожидаем|заданн)\w{2,3}\s+(?:ответ|действи|вариант)\w*",
    r"(?:给定|已知|提供|给出|参考|标准|预期|指定)的?(?:答案|动作|行动|选项)",
    r"(?:与えられた|既知の|期待される|正解として示された)(?:答え|解答|行動|選択肢)",
)
"""Case does not count; each pattern is searched for on its own."""


def leak_in(text: str, patterns: Sequence[str] = LEAKS) -> str | None:
    """The first words that betray the answer was told; None where there are none."""
    for pattern in compiled(tuple(patterns)):
        found = pattern.search(text)
        if found:
            return " ".join(found.group().split())
    return None


@lru_cache(maxsize=16)
def compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Patterns ready to search with.  Raises `ValueError` that names one that is none."""
    ready = []
    for pattern in patterns:
        try:
            ready.append(re.compile(pattern, re.IGNORECASE))
        except re.error as exc:
            raise ValueError(f"{pattern!r} is no regular expression: {exc}") from exc
    return tuple(ready)

"""Another script than the item's: thoughts that drift into another language show it first.

Known of reasoning models trained with little supervision of language (DeepSeek-R1, arXiv
2501.12948, §2.2: language mixing).  A script is told by its Unicode block, which costs no library;
it does not tell English from French.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.tasks.scores.scorer import ItemScorer

_SCRIPTS = {
    "latin": "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ",
    "greek": "Ͱ-Ͽἀ-῿",
    "cyrillic": "Ѐ-ԯ",
    "hebrew": "֐-׿",
    "arabic": "؀-ۿݐ-ݿ",
    "devanagari": "ऀ-ॿ",
    "thai": "฀-๿",
    # Japanese mixes kana and Han in every sentence: one script.
    "east_asian": "぀-ヿ㐀-䶿一-鿿豈-﫿",
    "hangul": "ᄀ-ᇿ㄰-㆏가-힯",
}
_LETTERS = {name: re.compile(f"[{ranges}]") for name, ranges in _SCRIPTS.items()}
# Formulas are Latin and Greek in every language.
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\]|\\[A-Za-z]+", re.DOTALL)
WRITTEN = ("think", "answer")


class Script(ItemScorer):
    """Share of the letters of thought and answer outside the item's main script: 0 none, 1 all.

    Formulas and code do not count; no score where either side has no letters.
    """

    version: ClassVar[int] = 1
    kind: Literal["script"] = "script"

    def value(self, trace: Trace, item: Item) -> float | None:
        asked = letters(item.text)
        written = letters("\n".join(s.text for s in trace.segments if s.kind in WRITTEN))
        if not asked or not written:
            return None
        main = max(asked, key=lambda script: asked[script])
        return 1.0 - written.get(main, 0) / sum(written.values())


def letters(text: str) -> dict[str, int]:
    """How many letters of each script a text holds, formulas left out."""
    words = FORMULA.sub(" ", text)
    counts = {name: len(pattern.findall(words)) for name, pattern in _LETTERS.items()}
    return {name: count for name, count in counts.items() if count}

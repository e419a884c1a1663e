"""Traces that give away a benchmark: decontamination by n-grams and by edit similarity.

Two tests, each with its own reach.  A shared n-gram of 13 words finds a benchmark's text that is
quoted anywhere, also inside a thought (13 as in GPT-3, arXiv 2005.14165, appendix C; others take
8).  An Indel similarity of 75 % finds an item that is a benchmark's problem with words or numbers
changed; it compares whole texts of like length, so it does not see a problem inside a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from thoughtmill.tasks.screens.benchmark import BenchmarkRow, benchmark_rows, identity
from thoughtmill.tasks.screens.screen import Part, RowScreen, listed, text_of
from thoughtmill.tasks.sources import AnySource

_LEAST_ANSWER = 40
"""Characters below which an answer is too common to tell a benchmark by."""


class Contamination(RowScreen):
    """Objects to what a benchmark holds; the detail names its row and the similarity."""

    version: ClassVar[int] = 2
    kind: Literal["contamination"] = "contamination"
    benchmarks: tuple[AnySource, ...] = Field(min_length=1)
    """Benchmarks, described like `sources`: text and reference are compared."""
    parts: tuple[Part, ...] = ("item", "thought", "answer")
    """Where shared n-grams are looked for."""
    ngram: int | None = Field(default=13, gt=1)
    """Words of an n-gram that must not be shared; null leaves out this test."""
    least_words: int = Field(default=8, gt=0)
    """Words below which a shorter benchmark text is not looked for as a whole."""
    overlap: float = Field(default=0.0, ge=0, le=1)
    """Least share of a benchmark text's n-grams; at 0 a single one suffices."""
    edit_similarity: float | None = Field(default=0.75, gt=0, le=1)
    """Least normalised Indel similarity of item and benchmark text; null leaves out this test."""

    def knobs(self) -> dict[str, Any]:
        """The benchmarks by what they hold: another path to the same rows is the same screen."""
        knobs = super().knobs()
        return {**knobs, "benchmarks": f"{len(self.rows)} rows {identity(self.rows)}"}

    def check(self) -> None:
        _ = self.rows

    @cached_property
    def rows(self) -> list[BenchmarkRow]:
        """The benchmarks' rows, read once."""
        return benchmark_rows(self.benchmarks)

    def judge(self, rows: pa.RecordBatch) -> pa.Table:
        found: dict[int, tuple[str, str]] = {}
        if self.edit_similarity is not None:
            found |= self._edits(rows, self.edit_similarity)
        if self.ngram is not None:
            found |= self._shared(rows)
        ids = rows.column("trace_id")
        return listed([(ids[at].as_py(), *found[at]) for at in sorted(found)])

    def _edits(self, rows: pa.RecordBatch, least: float) -> dict[int, tuple[str, str]]:
        """Rows whose item, or answer, is nearly a benchmark's: the most similar one."""
        best: dict[int, tuple[float, int]] = {}
        compared: tuple[tuple[Part, pl.Series, int], ...] = (
            ("item", _plain([row.text for row in self.rows]), 1),
            ("answer", _plain([row.answer for row in self.rows]), _LEAST_ANSWER),
        )
        for part, theirs, shortest in compared:
            ours = _plain(pl.from_arrow(text_of(rows, [part])))
            for at, row, similarity in _alike(ours, theirs, shortest, least):
                best[at] = max(best.get(at, (0.0, 0)), (similarity, row))
        return {
            at: ("benchmark_reworded", f"{self.rows[row].place} edit similarity {similarity:.2f}")
            for at, (similarity, row) in best.items()
        }

    def _shared(self, rows: pa.RecordBatch) -> dict[int, tuple[str, str]]:
        """Rows that share n-grams with a benchmark: the benchmark's text with the largest share."""
        from thoughtmill.tasks.screens.words import find_words  # numba takes a second to import

        words = find_words(text_of(rows, self.parts))
        found: dict[int, tuple[str, str]] = {}
        most: dict[int, float] = {}
        for index in self._indexes:
            for at, theirs, shared in index.hits(words):
                share = shared / index.sizes[theirs]
                if share >= max(self.overlap, most.get(at, 0.0)):
                    most[at] = share
                    place = self.rows[theirs % len(self.rows)].place
                    found[at] = ("benchmark_quoted", f"{place} {index.n}-gram share {share:.2f}")
        return found

    @cached_property
    def _indexes(self) -> list[Any]:
        """One index for each length of n-gram: a text that is shorter than n is one by itself."""
        from thoughtmill.tasks.screens.gram_index import indexes

        texts = [row.text for row in self.rows] + [row.answer for row in self.rows]
        assert self.ngram is not None
        return indexes(texts, self.ngram, self.least_words)


def _plain(texts: Any) -> pl.Series:
    """Texts for comparison: lower case, single spaces, no dollar signs, braces or backslashes."""
    lower = pl.Series("text", texts, pl.String).str.normalize("NFKC").str.to_lowercase()
    return lower.str.replace_all(r"[\s$\\{}]+", " ").str.strip_chars()


def _alike(
    ours: pl.Series, theirs: pl.Series, shortest: int, least: float
) -> Iterator[tuple[int, int, float]]:
    """Positions in `ours` and `theirs` that are at least `least` alike; each text once."""
    # Similarity is at most 2 min / (a + b): texts that differ more in length need no comparison.
    ratio = least / (2 - least)
    rows = theirs.str.len_chars().to_numpy()
    worth = np.flatnonzero(rows >= shortest)
    if not len(worth):
        return
    distinct = ours.unique(maintain_order=True)
    lengths = distinct.str.len_chars()
    near = (lengths >= max(shortest, rows[worth].min() * ratio)) & (
        lengths <= rows[worth].max() / ratio
    )
    chosen = distinct.filter(near)
    if not len(chosen):
        return
    table = cdist(
        chosen.to_list(),
        theirs.gather(worth).to_list(),
        scorer=Indel.normalized_similarity,
        score_cutoff=least,
        dtype=np.float32,
        workers=-1,
    )
    best = table.argmax(axis=1)
    alike = {
        text: (int(worth[row]), float(table[number, row]))
        for number, (text, row) in enumerate(zip(chosen, best, strict=True))
        if table[number, row] > 0
    }
    for at, text in enumerate(ours):
        if text in alike:
            yield at, *alike[text]

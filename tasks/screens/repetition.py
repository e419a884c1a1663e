"""Traces that say what half the corpus says, or that say the same over and over.

Source: DeepDistill (arXiv 2504.17565) leaves out 20-token strings that occur more than 20 times;
the share within a trace follows the duplicate n-gram rules for web text (Gopher, arXiv 2112.11446,
appendix A).  Tokens are words here, so that teachers with different tokenizers compare.

Memory: one byte for each of `_SLOTS` slots (128 MB), whatever the corpus, and 16 bytes an
occurrence of the frequent strings.  The count is exact: slots only choose what is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from thoughtmill.tasks.screens.screen import Part, PoolScreen, Rows, listed, text_of
from thoughtmill.tasks.screens.threads import threaded

if TYPE_CHECKING:
    from thoughtmill.tasks.screens.words import Hashes, Places, Words

_SLOTS = 1 << 27
_SLOT = np.uint64(_SLOTS - 1)
_FULL = 255
_QUOTED = 300
"""Characters of a string that a finding quotes."""


@dataclass(frozen=True)
class _Strings:
    """The strings of n words of some texts; texts shorter than that have none."""

    places: Places
    """The text's place."""
    hashes: Hashes
    firsts: Places
    """The string's first word, among `words`."""
    words: Words


class Repetition(PoolScreen):
    """Objects to n-grams that recur over the corpus, and to n-grams that recur within a trace."""

    version: ClassVar[int] = 2
    kind: Literal["repetition"] = "repetition"
    parts: tuple[Part, ...] = ("written", "answer")
    """What is looked at; draws of one item share its text, those of one recipe its hints."""
    ngram: int = Field(default=20, gt=1)
    """Words of a string that must not recur over the corpus."""
    most: int | None = Field(default=20, gt=0, lt=_FULL)
    """Occurrences that pass; any where null."""
    within_ngram: int = Field(default=6, gt=1)
    """Words of a string that must not make up a trace."""
    most_within: float | None = Field(default=0.5, ge=0, le=1)
    """Most of a trace's n-grams that occurred before in it, as a share; any where null."""

    def judge_all(self, rows: Rows) -> pa.Table:
        found: dict[str, tuple[str, str, str]] = {}
        if self.most_within is not None:
            for chunk in rows.chunks(only_fresh=True):
                found |= {row[0]: row for row in self._within(chunk)}
        if self.most is not None:
            places = rows.places()
            ids, held = places.column("trace_id"), places.column("held")
            for place, quote in self._across(rows, self.most).items():
                trace_id = ids[place].as_py()
                if not held[place].as_py() and trace_id not in found:
                    found[trace_id] = (trace_id, "recurring_ngram", quote)
        return listed(list(found.values()))

    def _within(self, chunk: pa.RecordBatch) -> Iterator[tuple[str, str, str]]:
        from thoughtmill.tasks.screens.words import (  # numba takes a second to import
            find_grams,
            find_words,
        )

        grams = find_grams(find_words(text_of(chunk, self.parts)), self.within_ngram)
        owners = grams.owners
        order = np.lexsort((grams.hashes, owners))
        again = grams.hashes[order][1:] == grams.hashes[order][:-1]
        again &= owners[1:] == owners[:-1]
        totals = np.diff(grams.offsets)
        repeats = np.bincount(owners[1:][again], minlength=len(totals))
        shares = repeats / np.maximum(totals, 1)
        ids = chunk.column("trace_id")
        for text in np.flatnonzero(shares > self.most_within):
            yield ids[text].as_py(), "repeats_itself", f"share {shares[text]:.2f}"

    def _across(self, rows: Rows, most: int) -> dict[int, str]:
        """By place, the first string of a text that recurs too often, and how often it does."""
        counts = np.zeros(_SLOTS, np.uint8)
        for found in threaded(self._strings, rows.chunks()):
            slots, times = np.unique(found.hashes & _SLOT, return_counts=True)
            counts[slots] = np.minimum(counts[slots].astype(np.int64) + times, _FULL)
        suspects, suspected = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for found in threaded(self._strings, rows.chunks()):
            often = counts[found.hashes & _SLOT] > most
            suspects.append(found.hashes[often])
            suspected.append(found.places[often])
        hashes = np.concatenate(suspects)
        distinct, numbers, times = np.unique(hashes, return_inverse=True, return_counts=True)
        caught = np.zeros(rows.count, bool)
        caught[np.concatenate(suspected)[times[numbers] > most]] = True
        quotes: dict[int, str] = {}
        for chunk in rows.chunks() if caught.any() else ():
            mask = caught[chunk.column("place").to_numpy()]
            found = self._strings(chunk.filter(pa.array(mask)))
            where = np.minimum(np.searchsorted(distinct, found.hashes), len(distinct) - 1)
            often = (distinct[where] == found.hashes) & (times[where] > most)
            for at in np.flatnonzero(often):
                if found.places[at] not in quotes:
                    first = found.firsts[at]
                    quote = " ".join(found.words.text(first, first + self.ngram - 1).split())
                    quotes[int(found.places[at])] = f"{times[where[at]]} times: {quote[:_QUOTED]}"
        return quotes

    def _strings(self, chunk: pa.RecordBatch) -> _Strings:
        from thoughtmill.tasks.screens.words import (  # numba takes a second to import
            find_grams,
            find_words,
        )

        words = find_words(text_of(chunk, self.parts))
        grams = find_grams(words, self.ngram)
        owners = grams.owners
        long = np.diff(words.offsets)[owners] >= self.ngram
        firsts = np.arange(len(owners)) - grams.offsets[owners] + words.offsets[owners]
        places = chunk.column("place").to_numpy()[owners]
        return _Strings(places[long], grams.hashes[long], firsts[long], words)

"""The n-grams of a few texts, looked up in many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from thoughtmill.tasks.screens.words import Hashes, Places, Words, find_grams, find_words


@dataclass(frozen=True)
class GramIndex:
    """The distinct n-grams of some texts, the rows, sorted by hash."""

    n: int
    hashes: Hashes
    rows: Places
    sizes: dict[int, int]
    """Distinct n-grams of each row."""

    def hits(self, words: Words) -> Iterator[tuple[int, int, int]]:
        """Text, row and number of distinct n-grams that both hold."""
        grams = find_grams(words, self.n)
        left = np.searchsorted(self.hashes, grams.hashes)
        known = np.flatnonzero(self.hashes[np.minimum(left, len(self.hashes) - 1)] == grams.hashes)
        if not len(known):
            return
        owners = grams.owners
        shared: dict[tuple[int, int], set[int]] = {}
        for at in known:
            entry = int(left[at])
            while entry < len(self.hashes) and self.hashes[entry] == grams.hashes[at]:
                pair = (int(owners[at]), int(self.rows[entry]))
                shared.setdefault(pair, set()).add(int(grams.hashes[at]))
                entry += 1
        for (text, row), both in shared.items():
            yield text, row, len(both)


def indexes(texts: Sequence[str], n: int, least: int) -> list[GramIndex]:
    """An index of n-grams, and one for each length of a text of `least` to n - 1 words."""
    words = find_words(pa.array(texts, pa.large_string()))
    lengths = np.diff(words.offsets)
    made = []
    for size in sorted({n, *(int(length) for length in lengths if least <= length < n)}):
        grams = find_grams(words, size)
        owners = grams.owners
        wanted = lengths[owners] >= n if size == n else lengths[owners] == size
        pairs = np.unique(
            np.stack([grams.hashes[wanted], owners[wanted].astype(np.uint64)], axis=1),
            axis=0,
        )
        if len(pairs):
            rows = pairs[:, 1].astype(np.int64)
            sizes = dict(zip(*(part.tolist() for part in np.unique_counts(rows)), strict=True))
            made.append(GramIndex(size, pairs[:, 0].copy(), rows, sizes))
    return made

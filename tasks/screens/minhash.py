"""Near-duplicates of many texts: MinHash signatures, LSH bands, true Jaccard, components.

Method: Broder, "On the resemblance and containment of documents" (1997), with banded signatures as
in Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4.  Two texts that share a
band are candidates; a candidate counts only where the true Jaccard similarity of the texts' word
n-grams reaches the threshold, so nothing is held to be a duplicate by a chance collision.

Memory: 8 bytes a band and text (200 bytes a text at 25 bands: 10 million texts in 2 GB), as much
again for a moment while a band is sorted, and 8 bytes a word of the texts that are candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thoughtmill.tasks.screens.threads import threaded
from thoughtmill.tasks.screens.words import (
    Hashes,
    Places,
    compiled,
    find_grams,
    find_words,
    mixed,
)

_SEED = 20_509
_RECALL = 0.995


@dataclass(frozen=True)
class Texts:
    """Some of the texts, and the place of each among all."""

    places: Places
    texts: pa.Array


@dataclass(frozen=True)
class MinHash:
    """The knobs of the method.

    With b bands of r values, two texts of similarity s become candidates with probability
    1 - (1 - s^r)^b: 0.9999 at 0.8 and 0.99 at 0.7 for 25 bands of 5.
    """

    ngram: int = 5
    """Words of a shingle."""
    bands: int = 25
    rows: int = 5
    """Values of a band."""
    threshold: float = 0.8
    """Least Jaccard similarity of a duplicate."""

    @classmethod
    def of(
        cls, threshold: float, ngram: int = 5, bands: int = 25, rows: int | None = None
    ) -> MinHash:
        """With as many rows as still find 99.5 % of the pairs that are just at the threshold.

        Five at most: more would only spare candidates that cost less to check than to sign.
        """
        fitting = [r for r in range(1, 6) if (1 - threshold**r) ** bands <= 1 - _RECALL]
        return cls(ngram, bands, rows or max(fitting, default=1), threshold)

    def components(self, count: int, chunks: Callable[[], Iterable[Texts]]) -> Places:
        """By place, of `count`, the first place of the text's component; its own where it is alone.

        `chunks()` gives the texts in pieces and is called twice; a place may be left out.
        """
        keys = np.zeros((self.bands, count), np.uint64)
        for texts, some in threaded(self._sign, chunks()):
            keys[:, texts.places] = some.T
        pairs = _candidates(keys)
        wanted = np.zeros(count, bool)
        wanted[pairs.ravel()] = True
        del keys
        places, sizes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        shingles = [np.zeros(0, np.uint64)]
        for texts, some_sizes, some in threaded(self._shingles, _among(chunks(), wanted)):
            places.append(texts.places)
            sizes.append(some_sizes)
            shingles.append(some)
        ends = np.cumsum(np.concatenate(sizes))
        spans = np.zeros((count, 2), np.int64)
        spans[np.concatenate(places), 0] = ends - np.concatenate(sizes)
        spans[np.concatenate(places), 1] = ends
        found: Places = _join(pairs, np.concatenate(shingles), spans, self.threshold)
        return found

    def _sign(self, texts: Texts) -> tuple[Texts, Hashes]:
        grams = find_grams(find_words(texts.texts), self.ngram)
        rng = np.random.default_rng(_SEED)
        factors = rng.integers(1, 2**32, self.bands * self.rows, dtype=np.uint32) | np.uint32(1)
        return texts, _sign(grams.hashes, grams.offsets, factors, self.bands)

    def _shingles(self, texts: Texts) -> tuple[Texts, Places, Hashes]:
        """Each text's n-grams sorted and once each, one text after the other, and their number."""
        grams = find_grams(find_words(texts.texts), self.ngram)
        owners = grams.owners
        order = np.lexsort((grams.hashes, owners))
        hashes = grams.hashes[order]
        new = np.ones(len(hashes), bool)
        new[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
        return texts, np.bincount(owners[new], minlength=len(texts.places)), hashes[new]


def _among(chunks: Iterable[Texts], wanted: npt.NDArray[np.bool_]) -> Iterator[Texts]:
    """The texts whose place is marked; a chunk without any is left out."""
    for chunk in chunks:
        mask = wanted[chunk.places]
        if mask.any():
            yield Texts(chunk.places[mask], chunk.texts.filter(pa.array(mask)))


def _candidates(keys: Hashes) -> Places:
    """Pairs (i < j) of places that share a band, each once.

    In a bucket of many, each text is paired with the one before it and with the bucket's first:
    the pairs grow with the texts, not with their square.
    """
    count = max(keys.shape[1], 1)
    known = np.zeros(0, np.int64)
    for coded in threaded(_pairs_of_band, keys):
        known = np.union1d(known, coded)
    return np.stack([known // count, known % count], axis=1)


def _pairs_of_band(keys: Hashes) -> Places:
    count = len(keys)
    order = np.argsort(keys, kind="stable")
    values = keys[order]
    same = np.flatnonzero((values[1:] == values[:-1]) & (values[1:] != 0)) + 1
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    firsts = starts[np.searchsorted(starts, same, side="right") - 1]
    later = order[same]
    return np.unique(
        np.concatenate([order[same - 1] * count + later, order[firsts] * count + later])
    )


@compiled
def _sign(grams: Any, texts: Any, factors: Any, bands: int) -> Hashes:
    """The band keys of each text; 0 throughout for a text without n-grams."""
    count, width = len(texts) - 1, len(factors)
    rows = width // bands
    keys = np.zeros((count, bands), np.uint64)
    least = np.empty(width, np.uint32)
    for text in range(count):
        if texts[text] == texts[text + 1]:
            continue
        least[:] = np.uint32(0xFFFFFFFF)
        for at in range(texts[text], texts[text + 1]):
            gram = np.uint32(grams[at] >> np.uint64(32))
            for number in range(width):
                least[number] = min(least[number], np.uint32(gram * factors[number]))
        for band in range(bands):
            value = np.uint64(band + 1)
            for row in range(rows):
                value = mixed(value ^ np.uint64(least[band * rows + row]))
            keys[text, band] = max(value, np.uint64(1))
    return keys


@compiled
def _join(pairs: Any, shingles: Any, spans: Any, threshold: float) -> Places:
    """Components of the pairs that are similar enough, by union and find."""
    parents = np.arange(len(spans))
    for number in range(len(pairs)):
        left, right = pairs[number]
        root, other = left, right
        while parents[root] != root:
            parents[root] = parents[parents[root]]
            root = parents[root]
        while parents[other] != other:
            parents[other] = parents[parents[other]]
            other = parents[other]
        if root == other:
            continue
        a, a_end = spans[left]
        b, b_end = spans[right]
        total, shared = (a_end - a) + (b_end - b), 0
        while a < a_end and b < b_end:
            if shingles[a] == shingles[b]:
                shared += 1
                a += 1
                b += 1
            elif shingles[a] < shingles[b]:
                a += 1
            else:
                b += 1
        if shared and shared >= threshold * (total - shared):
            parents[max(root, other)] = min(root, other)
    for text in range(len(parents)):
        root = text
        while parents[root] != root:
            root = parents[root]
        parents[text] = root
    return parents

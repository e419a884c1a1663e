"""Words and word n-grams of many texts at once, as 64-bit hashes.

Owns what a word is for every screen that compares texts: a run of letters, digits, marks and
underscores, case folded; scripts that are written without spaces count by character.  The loops are
compiled by numba and hold no interpreter lock, so chunks are done by as many threads as there are
cores; measured, an Arrow or Polars regex that finds the same words takes forty times as long.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

_FNV_START = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_GRAM_BASE = np.uint64(0x9E3779B97F4A7C15)
_CHARACTERS = 0x110000
_GAP, _IN_WORD, _ALONE = 0, 1, 2
_SPACELESS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


@dataclass(frozen=True)
class Words:
    """The words of a chunk of texts, one after the other."""

    hashes: Hashes
    starts: Places
    """First byte of each word in the chunk's UTF-8 data."""
    ends: Places
    offsets: Places
    """Words `offsets[i]:offsets[i + 1]` are those of text `i`."""
    data: npt.NDArray[np.uint8]

    def text(self, first: int, last: int) -> str:
        """The text from word `first` up to and with word `last`, as it was written."""
        return self.data[self.starts[first] : self.ends[last]].tobytes().decode()


@dataclass(frozen=True)
class Grams:
    """The n-grams of a chunk: `hashes[offsets[i]:offsets[i + 1]]` are those of text `i`.

    A text shorter than n words has its words together as its only n-gram; one without words has
    none.  N-gram `k` of text `i` begins at its word `k`.
    """

    hashes: Hashes
    offsets: Places

    @property
    def owners(self) -> Places:
        """The number of the text that each n-gram belongs to."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def find_words(texts: pa.Array | pa.ChunkedArray) -> Words:
    """The words of each text of a string array; null counts as empty."""
    data, starts = utf8(texts)
    folded, classes = _characters()
    hashes, begins, ends, offsets = _find_words(data, starts, folded, classes)
    return Words(hashes, begins, ends, offsets, data)


def find_grams(words: Words, n: int) -> Grams:
    """The n-grams of each text."""
    return Grams(*_find_grams(words.hashes, words.offsets, n))


def utf8(texts: pa.Array | pa.ChunkedArray) -> tuple[npt.NDArray[np.uint8], Places]:
    """The UTF-8 data of a string array and where each text begins; the last entry is the end."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    texts = texts.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets, np.int64, len(texts) + 1, texts.offset * 8)
    if data is None or not len(data):
        return np.zeros(0, np.uint8), np.zeros(len(texts) + 1, np.int64)
    return np.frombuffer(data, np.uint8), starts


@cache
def _characters() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """By code point: the character it folds to, and whether it is a gap, in a word, or a word."""
    folded = np.arange(_CHARACTERS, dtype=np.uint32)
    classes = np.zeros(_CHARACTERS, np.uint8)
    for code in range(_CHARACTERS):
        character = chr(code)
        if character == "_" or unicodedata.category(character)[0] in "LNM":
            classes[code] = _IN_WORD
            lower = character.casefold()
            folded[code] = ord(lower) if len(lower) == 1 else code
    for first, last in _SPACELESS:
        region = classes[first : last + 1]
        region[region == _IN_WORD] = _ALONE
    return folded, classes


def compiled(function: Any) -> Any:
    """Compiled on first use, kept on disk for the next process, free of the interpreter lock."""
    return numba.njit(cache=True, nogil=True)(function)


@compiled
def mixed(value: Any) -> Any:
    """Every bit of the value spread over all bits (the finaliser of SplitMix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def _find_words(
    data: Any, texts: Any, folded: Any, classes: Any
) -> tuple[Hashes, Places, Places, Places]:
    count = len(texts) - 1
    most = (texts[-1] - texts[0]) // 2 + count + 1
    hashes, starts, ends = (
        np.empty(most, np.uint64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
    )
    offsets = np.zeros(count + 1, np.int64)
    found = 0
    for text in range(count):
        at, stop = texts[text], texts[text + 1]
        inside = False
        value = _FNV_START
        while at < stop:
            here = at
            byte = np.uint32(data[at])
            if byte < 0x80:
                code, at = byte, at + 1
            elif byte < 0xE0:
                code = (byte & 0x1F) << 6 | (np.uint32(data[at + 1]) & 0x3F)
                at += 2
            elif byte < 0xF0:
                code = (byte & 0x0F) << 12 | (np.uint32(data[at + 1]) & 0x3F) << 6
                code |= np.uint32(data[at + 2]) & 0x3F
                at += 3
            else:
                code = (byte & 0x07) << 18 | (np.uint32(data[at + 1]) & 0x3F) << 12
                code |= (np.uint32(data[at + 2]) & 0x3F) << 6 | (np.uint32(data[at + 3]) & 0x3F)
                at += 4
            kind = classes[code]
            if inside and kind != _IN_WORD:
                hashes[found], ends[found] = mixed(value), here
                found += 1
                inside = False
            if kind == _IN_WORD:
                if not inside:
                    starts[found], value, inside = here, _FNV_START, True
                value = (value ^ np.uint64(folded[code])) * _FNV_PRIME
            elif kind == _ALONE:
                hashes[found] = mixed((_FNV_START ^ np.uint64(folded[code])) * _FNV_PRIME)
                starts[found], ends[found] = here, at
                found += 1
        if inside:
            hashes[found], ends[found] = mixed(value), stop
            found += 1
        offsets[text + 1] = found
    return hashes[:found], starts[:found], ends[:found], offsets


@compiled
def _find_grams(words: Any, texts: Any, n: int) -> tuple[Hashes, Places]:
    count = len(texts) - 1
    offsets = np.zeros(count + 1, np.int64)
    for text in range(count):
        length = texts[text + 1] - texts[text]
        offsets[text + 1] = offsets[text] + (max(length - n + 1, 1) if length else 0)
    grams = np.empty(offsets[-1], np.uint64)
    leaving = np.uint64(1)
    for _ in range(n):
        leaving *= _GRAM_BASE
    for text in range(count):
        start, stop = texts[text], texts[text + 1]
        if start == stop:
            continue
        value = np.uint64(0)
        for at in range(start, min(start + n, stop)):
            value = value * _GRAM_BASE + words[at]
        place = offsets[text]
        grams[place] = mixed(value)
        for at in range(start + n, stop):
            value = value * _GRAM_BASE + words[at] - words[at - n] * leaving
            place += 1
            grams[place] = mixed(value)
    return grams, offsets

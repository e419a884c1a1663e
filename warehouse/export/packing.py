"""Packing rows into sequences of a length without cutting across rows.

Best-fit decreasing: the longest row first, each into the fullest sequence that still holds it
(Ding et al., arXiv 2404.10830, §3).  What is free in which sequence is a bitmap over lengths, so
a row costs one shift of `length` bits however many sequences there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Encoded(NamedTuple):
    """A row's token ids and where it carries loss."""

    ids: npt.NDArray[np.int32]
    mask: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Piece:
    """A row, or a stretch of one."""

    row: int
    encoded: Encoded


@dataclass(frozen=True)
class Bin:
    """Pieces that share a sequence, in the order of their rows."""

    pieces: tuple[Piece, ...]

    def row(self, names: Sequence[str], length: int | None, padding: int) -> dict[str, Any]:
        """The sequence as a published row, filled up to `length` where one is given."""
        sizes = [len(piece.encoded.ids) for piece in self.pieces]
        total = sum(sizes)
        free = (length or total) - total
        nothing = np.zeros(free, dtype=np.int32)
        return {
            "input_ids": np.concatenate(
                [*(p.encoded.ids for p in self.pieces), np.full(free, padding, dtype=np.int32)]
            ),
            "loss_mask": np.concatenate(
                [*(p.encoded.mask for p in self.pieces), nothing.astype(np.int8)]
            ),
            "position_ids": np.concatenate(
                [*(np.arange(size, dtype=np.int32) for size in sizes), nothing]
            ),
            "segment_ids": np.concatenate(
                [np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int32), sizes), nothing]
            ),
            "tokens": total,
            "rows": [names[piece.row] for piece in self.pieces],
        }


class Packed(NamedTuple):
    """Sequences in the order of their first rows, and how many rows were too long for one."""

    sequences: list[Bin]
    left_out: int


def pack(rows: Sequence[Encoded], length: int, *, split: bool) -> Packed:
    """Pack rows; one that is longer than `length` is cut into stretches, or left out."""
    pieces: list[Piece] = []
    left_out = 0
    for number, row in enumerate(rows):
        if len(row.ids) > length and not split:
            left_out += 1
            continue
        for start in range(0, len(row.ids), length):
            stretch = slice(start, start + length)
            pieces.append(Piece(number, Encoded(row.ids[stretch], row.mask[stretch])))
    bins = _best_fit([len(piece.encoded.ids) for piece in pieces], length)
    return Packed([Bin(tuple(pieces[n] for n in some)) for some in bins], left_out)


def _best_fit(sizes: Sequence[int], length: int) -> list[list[int]]:
    """Which pieces share a bin, each in order; bins in the order of their first pieces."""
    bins: list[list[int]] = []
    by_room: list[list[int]] = [[] for _ in range(length + 1)]
    free = 0  # bit r is set where some bin has room for exactly r
    for piece in sorted(range(len(sizes)), key=lambda n: (-sizes[n], n)):
        size = sizes[piece]
        fitting = free >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            chosen = by_room[room].pop()
            if not by_room[room]:
                free &= ~(1 << room)
        else:
            room, chosen = length, len(bins)
            bins.append([])
        bins[chosen].append(piece)
        left = room - size
        if left:
            by_room[left].append(chosen)
            free |= 1 << left
    return sorted(sorted(some) for some in bins)

"""Conversations as token ids on disk, so that training never waits for Python to write text.

A shard is one .npz file: the ids of its conversations end to end, where each one ends, and which
ids carry loss (not the prompt, nor hints and interpreter output). Stretches are encoded one by
one, as at run time. A shard that is there is used as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy as np
from tokenizers import Tokenizer
from turns import Conversation

SIZE = 2500
LONGEST = 1664
IGNORED = -100


@dataclass(frozen=True)
class Example:
    ids: np.ndarray
    learned: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Token ids and next-token targets, [rows, length]; what carries no loss is ignored."""

    tokens: np.ndarray
    targets: np.ndarray


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(Path(__file__).with_name("tokenizer.json")))


def encoded(made: Conversation) -> tuple[list[int], list[bool]]:
    """The ids of a conversation, and whether each carries loss."""
    ids = tokenizer().encode(made.opened, add_special_tokens=False).ids
    learned = [False] * len(ids)
    for piece in made.stretches:
        more = tokenizer().encode(piece.text, add_special_tokens=False).ids
        ids += more
        learned += [piece.loss] * len(more)
    return ids, learned


def build(folder: Path, number: int) -> Path:
    path = folder / f"{number:05d}.npz"
    if path.exists():
        return path
    from corpus import conversation

    ids: list[np.ndarray] = []
    learned: list[np.ndarray] = []
    ends: list[int] = []
    total = 0
    for seed in range(number * SIZE, (number + 1) * SIZE):
        whole, mask = encoded(conversation(seed))
        if len(whole) > LONGEST:
            continue
        ids.append(np.array(whole, dtype=np.uint16))
        learned.append(np.array(mask))
        total += len(whole)
        ends.append(total)
    fresh = path.with_suffix(".tmp.npz")
    np.savez(fresh, ids=np.concatenate(ids), learned=np.concatenate(learned), ends=np.array(ends))
    os.replace(fresh, path)
    return path


def build_all(folder: Path, numbers: range, workers: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with Pool(workers) as pool:
        return pool.starmap(build, [(folder, n) for n in numbers])


def examples(path: Path) -> list[Example]:
    data = np.load(path)
    ids, learned, ends = data["ids"], data["learned"], data["ends"]
    starts = np.concatenate(([0], ends[:-1]))
    return [Example(ids[a:b], learned[a:b]) for a, b in zip(starts, ends, strict=True)]


def batch(rows: list[Example]) -> Batch:
    length = max(len(row.ids) for row in rows)
    length = -(-length // 16) * 16
    tokens = np.zeros((len(rows), length), dtype=np.int64)
    targets = np.full((len(rows), length), IGNORED, dtype=np.int64)
    for n, row in enumerate(rows):
        tokens[n, : len(row.ids)] = row.ids
        targets[n, : len(row.ids) - 1] = np.where(row.learned, row.ids.astype(np.int64), IGNORED)[
            1:
        ]
    return Batch(tokens, targets)


def batches(paths: list[Path], tokens: int, seed: int) -> Iterator[Batch]:
    """Batches of at most `tokens` padded tokens, of rows alike in length; never ends."""
    rng = Random(seed)
    while True:
        order = rng.sample(paths, len(paths))
        for path in order:
            rows = examples(path)
            rows.sort(key=lambda row: (len(row.ids) // 16, rng.random()))
            groups: list[list[Example]] = [[]]
            for row in rows:
                width = -(-len(row.ids) // 16) * 16
                if groups[-1] and width * (len(groups[-1]) + 1) > tokens:
                    groups.append([])
                groups[-1].append(row)
            rng.shuffle(groups)
            for group in groups:
                yield batch(group)

"""Pieces of a large table done on all cores, for work that lets go of the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Chunk = TypeVar("Chunk")
Done = TypeVar("Done")


def threaded(work: Callable[[Chunk], Done], chunks: Iterable[Chunk]) -> Iterator[Done]:
    """`work` of each chunk, in order, on all cores; few chunks are held at a time."""
    cores = len(os.sched_getaffinity(0))
    waiting = iter(chunks)
    with ThreadPoolExecutor(cores) as pool:
        under_way = [pool.submit(work, chunk) for chunk in islice(waiting, 2 * cores)]
        while under_way:
            done = under_way.pop(0).result()
            under_way += [pool.submit(work, chunk) for chunk in islice(waiting, 1)]
            yield done

"""Reading a source to its end, as a worker would: parts pickled, then read one after the other."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import NamedTuple

import pytest

from thoughtmill.schemas.arrow import to_table
from thoughtmill.schemas.rows import Drop, Item
from thoughtmill.tasks.sources.base import Source


class Read(NamedTuple):
    items: list[Item]
    drops: list[Drop]

    @property
    def texts(self) -> list[str]:
        return [item.text for item in self.items]

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Reason and row number of each drop."""
        return [
            (drop.reason, int(drop.detail.split(": ")[0].rpartition(":")[2])) for drop in self.drops
        ]


def read_all(source: Source) -> Read:
    copy, parts = pickle.loads(pickle.dumps((source, source.parts())))
    rows = [row for part in parts for row in copy.read(part, "run-1")]
    items = [row for row in rows if isinstance(row, Item)]
    drops = [row for row in rows if isinstance(row, Drop)]
    assert to_table("items", items).num_rows == len(items)
    assert to_table("drops", drops).num_rows == len(drops)
    return Read(items, drops)


@pytest.fixture(scope="session")
def read() -> Callable[[Source], Read]:
    return read_all

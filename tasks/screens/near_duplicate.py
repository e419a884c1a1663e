"""Traces that say nearly the same: MinHash and LSH, checked by the true Jaccard similarity.

See `tasks/screens/minhash.py` for the method and the memory it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pyarrow as pa
from pydantic import Field

from thoughtmill.tasks.screens.keeping import DuplicateScreen
from thoughtmill.tasks.screens.screen import Rows, text_of


class NearDuplicate(DuplicateScreen):
    """Keeps one of each connected component of near-duplicates, within and across sources.

    A component is a chain: its ends may be less alike than the threshold.
    """

    kind: Literal["near_duplicate"] = "near_duplicate"
    threshold: float = Field(default=0.8, gt=0, le=1)
    """Least Jaccard similarity of the sets of word n-grams."""
    ngram: int = Field(default=5, gt=0)
    """Words of an n-gram."""
    bands: int = Field(default=25, gt=0)
    """Bands of the signature; more find more of the pairs near the threshold."""
    band_rows: int | None = Field(default=None, gt=0)
    """Values of a band, more give fewer candidates; chosen by the threshold where null."""

    def judge_all(self, rows: Rows) -> pa.Table:
        from thoughtmill.tasks.screens.minhash import (  # numba takes a second to import
            MinHash,
            Texts,
        )

        def chunks() -> Iterator[Texts]:
            for chunk in map(self.units, rows.chunks()):
                yield Texts(chunk.column("place").to_numpy(), text_of(chunk, self.compared))

        method = MinHash.of(self.threshold, self.ngram, self.bands, self.band_rows)
        return self.losers(rows, method.components(rows.count, chunks), "near_duplicate")

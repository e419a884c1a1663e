"""Traces that say the same, letter for letter once case and spacing are set aside."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa

from thoughtmill.tasks.screens.keeping import DuplicateScreen
from thoughtmill.tasks.screens.screen import Rows, text_of


class ExactDuplicate(DuplicateScreen):
    """Keeps one of the traces, or items, of equal text; compared by 128 bits of hash."""

    kind: Literal["exact_duplicate"] = "exact_duplicate"
    normalise: bool = True
    """Compare after NFKC, in lower case, every run of white space as one space."""

    def judge_all(self, rows: Rows) -> pa.Table:
        hashes = np.zeros((2, rows.count), np.uint64)
        for chunk in map(self.units, rows.chunks()):
            texts = pl.Series("text", pl.from_arrow(text_of(chunk, self.compared)))
            if self.normalise:
                spaced = texts.str.normalize("NFKC").str.to_lowercase()
                texts = spaced.str.replace_all(r"\s+", " ").str.strip_chars()
            places = chunk.column("place").to_numpy()
            for half in (0, 1):
                hashes[half, places] = texts.hash(seed=half).to_numpy()
        pairs = pl.DataFrame({"high": hashes[0], "low": hashes[1]}).with_row_index("place")
        first = pl.col("place").first().over("high", "low").cast(pl.Int64)
        roots = pairs.select(first).to_series().to_numpy()
        return self.losers(rows, roots, "exact_duplicate")

"""Budgets in the tokens of published rows: a tokenizer counts what a mix takes, and little more.

The order of a component does not depend on sizes, so only its beginning has to be laid out and
counted: as much as the budget reaches into it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.mixes import MixSettings
from thoughtmill.warehouse.export.data import laid_out
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.export.tokens import RowTokenizer
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.mix.mix import Draw, draw
from thoughtmill.warehouse.mix.order import Claim, Queue, interleave

Count = Callable[[pl.Series], pl.Series]
"""From rows of the pool to the tokens that each gives when it is published."""
_AHEAD = 1.1
_LEAST = 256
_BATCH = 4_096


def draw_for(lake: Lake, mix: MixSettings, settings: ExportSettings) -> Draw:
    """Draw a mix for an export: its budget counts what is published where a tokenizer is named."""
    if settings.query is not None or settings.where != "true":
        raise ConfigError("publish: a mix chooses by its components: remove `where` and `query`")
    if settings.tokens is None or mix.counted == "rows" or mix.size is not None:
        return draw(lake, mix)
    count = counter(lake, settings)
    return draw(lake, mix, lambda queues, claims, budget: measured(queues, claims, budget, count))


def counter(lake: Lake, settings: ExportSettings) -> Count:
    """Counts rows of the table `mix_pool` in the layout and with the tokenizer of an export."""
    assert settings.tokens is not None
    tokenizer = RowTokenizer(settings.tokens)
    packed = settings.tokens.pack if settings.tokens.long == "drop" else None

    def count(rows: pl.Series) -> pl.Series:
        asked = pl.DataFrame({"row": rows}).with_row_index("position")
        lake.connection.register("mix_asked", asked.to_arrow())
        lake.connection.execute(
            "CREATE OR REPLACE TEMP TABLE chosen AS SELECT a.position::BIGINT AS position, "
            'p.trace_id FROM mix_asked AS a JOIN mix_pool AS p ON p.rowid = a."row"'
        )
        lake.connection.unregister("mix_asked")
        sizes: dict[str, int] = {}
        for table in laid_out(lake, settings):
            if "trace_id" not in table.column_names:
                raise ConfigError(
                    f"publish.tokens: rows of the layout {settings.layout.kind} don't say which "
                    "trace they are of, so a budget can't count them: set the mix's `size`"
                )
            encoded = tokenizer.encode(tokenizer.render(table))
            for name, row in zip(table["trace_id"].to_pylist(), encoded, strict=True):
                published = packed is None or len(row.ids) <= packed
                sizes[name] = sizes.get(name, 0) + (len(row.ids) if published else 0)
        names = lake.connection.sql("SELECT trace_id FROM chosen ORDER BY position").pl()
        return names["trace_id"].replace_strict(
            list(sizes), list(sizes.values()), default=0, return_dtype=pl.Int64
        )

    return count


def measured(
    queues: Sequence[Queue], claims: Sequence[Claim], budget: int, count: Count
) -> tuple[list[Queue], list[bool]]:
    """The beginnings of components in counted tokens, long enough for the budget.

    The flags say which components are there to their end.
    """
    known = [_Known(queue, count) for queue in queues]
    for one, claim in zip(known, claims, strict=True):
        one.reach(claim.share * budget)
    while True:
        queues = [one.queue() for one in known]
        there = [
            claim if one.whole else Claim(claim.share, 1.0)
            for one, claim in zip(known, claims, strict=True)
        ]
        drawn = interleave(queues, there, budget + max((q.largest for q in queues), default=0))
        taken = dict(drawn.group_by("component").agg(pl.col("size").sum()).rows())
        beyond = [
            one
            for number, one in enumerate(known)
            if not one.whole and taken.get(number, 0) >= one.queue().total
        ]
        if not beyond:
            return queues, [one.whole for one in known]
        for one in beyond:
            one.reach(one.queue().total * _AHEAD + _LEAST)


class _Known:
    """A component's rows of which the first have been counted."""

    def __init__(self, queue: Queue, count: Count) -> None:
        self._rows, self._guess, self._count = queue.rows, queue, count
        self._sizes = pl.Series("size", [], dtype=pl.Int64)

    @property
    def whole(self) -> bool:
        return len(self._sizes) == self._rows.height

    def reach(self, tokens: float) -> None:
        """Count on until so many tokens are known, or all rows."""
        while not self.whole and (known := int(self._sizes.sum() or 0)) < tokens:
            missing = tokens - known
            mean = max(1.0, self._guess.total / self._rows.height)
            some = min(_BATCH, max(_LEAST, int(missing / mean * _AHEAD)))
            rows = self._rows["row"].slice(len(self._sizes), some)
            self._sizes = pl.concat([self._sizes, self._count(rows).alias("size")])

    def queue(self) -> Queue:
        """The counted rows as a queue; rows that publish nothing are left out."""
        rows = (
            self._rows.head(len(self._sizes))
            .select("row", size=self._sizes)
            .filter(pl.col("size") > 0)
            .with_columns(upto=pl.col("size").cum_sum())
        )
        largest = rows["size"].max()
        return Queue(rows, int(rows["size"].sum()), int(largest or 0))  # type: ignore[arg-type]

"""The order of a mix: one endless queue of rows, of which a budget is a cut.

Every component has its rows in a fixed order, over and over up to its repeat limit.  A row is due
when its component's tokens up to and with it, divided by the component's share, have been drawn;
rows come by their due time (weighted fair queueing, Demers, Keshav and Shenker 1989).  The order
does not depend on the budget, so a larger budget extends a smaller one, and at every point each
component is within one row of its share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

POOL = {
    "row": pl.Int64,
    "component": pl.UInt16,
    "size": pl.Int64,
    "lot": pl.UInt64,
    "tie": pl.UInt64,
    "merit": pl.Float64,
}
"""Columns of a pool: `row` names a row; merit, then lot, then tie put a component in order."""


@dataclass(frozen=True)
class Claim:
    """What a component may take."""

    share: float
    """Its part of the whole, from 0 to 1; all shares add up to 1."""
    epochs: float
    """Most times its rows may come up; 1.5 repeats the first half of its tokens."""


@dataclass(frozen=True)
class Queue:
    """A component's rows in order; `upto` is the sum of sizes up to and with a row."""

    rows: pl.DataFrame
    total: int
    largest: int


def queue_up(pool: pl.DataFrame, component: int) -> Queue:
    """The rows of one component in their order: merit, highest first, then lot, then tie."""
    rows = pool.filter(pl.col("component") == component)
    keys = ["lot", "tie"]
    if rows["merit"].null_count() < rows.height:
        keys = ["merit", *keys]
    rows = rows.sort(keys, descending=[key == "merit" for key in keys], nulls_last=True).select(
        "row", "size", upto=pl.col("size").cum_sum()
    )
    return Queue(rows, int(rows["size"].sum()), int(rows["size"].max() or 0))  # type: ignore[arg-type]


def interleave(queues: Sequence[Queue], claims: Sequence[Claim], budget: int) -> pl.DataFrame:
    """The rows that a budget takes: position, row, component, epoch, size.

    Their sizes add up to at most `budget`, and the next row would not fit.  A component that has
    run out leaves its place to the others.
    """
    limits = [q.total * c.epochs for q, c in zip(queues, claims, strict=True)]
    shares = [claim.share for claim in claims]
    horizon = _horizon(shares, limits, budget + sum(queue.largest for queue in queues))
    streams = [
        _stream(queue, number, claim, min(limit, claim.share * horizon))
        for number, (queue, claim, limit) in enumerate(zip(queues, claims, limits, strict=True))
    ]
    return (
        pl.concat(streams)
        .sort("due", "component")
        .filter(pl.col("size").cum_sum() <= budget)
        .with_row_index("position")
        .select(pl.col("position").cast(pl.Int64), "row", "component", "epoch", "size")
    )


def _stream(queue: Queue, number: int, claim: Claim, limit: float) -> pl.DataFrame:
    """A component's rows, repeats behind one another, up to `limit` tokens."""
    passes = math.ceil(limit / queue.total) if queue.total else 1
    rounds = []
    for epoch in range(max(1, passes)):
        before = epoch * queue.total
        rounds.append(
            queue.rows.filter(pl.col("upto") <= limit - before).select(
                "row",
                "size",
                due=(pl.col("upto") + before) / claim.share,
                component=pl.lit(number, pl.UInt16),
                epoch=pl.lit(epoch, pl.Int32),
            )
        )
    return pl.concat(rounds)


def _horizon(shares: Sequence[float], limits: Sequence[float], tokens: float) -> float:
    """The due time by which `tokens` have been drawn; infinite where there are not as many."""
    drawn, at, rate = 0.0, 0.0, sum(shares)
    for dry, share in sorted(
        (limit / share, share) for limit, share in zip(limits, shares, strict=True)
    ):
        if drawn + rate * (dry - at) >= tokens:
            return at + (tokens - drawn) / rate
        drawn += rate * (dry - at)
        at, rate = dry, rate - share
    return math.inf

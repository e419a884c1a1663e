"""A sample of traces to leaf through: every recipe, domain and outcome in turn, texts bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.report.scope import SQL

MOST_BYTES = 3_000_000
"""Size of all sampled traces together, as JSON."""
_HEAD, _TAIL = 6_000, 2_000
_SEGMENTS = 48
_FIELD = 400


@dataclass(frozen=True)
class Sample:
    """Traces as JSON values, and of how many they are a sample."""

    traces: tuple[dict[str, Any], ...]
    left_out: int
    """Sampled traces that did not fit into `MOST_BYTES`."""


def draw_sample(lake: Lake, most: int) -> Sample:
    """At most `most` traces of the scope, the same ones for the same lake."""
    chosen = lake.rows(_sql("sample_ids"), {"most": most})
    outcomes = dict(chosen)
    ids = list(outcomes)
    bounds = {"head": _HEAD, "tail": _TAIL, "segments": _SEGMENTS, "cut": _FIELD}
    found = lake.connection.execute(_sql("sample_rows"), {"ids": ids, **bounds})
    names = [column[0] for column in found.description or ()]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}
    for trace_id, what, who, said in lake.rows(_sql("sample_notes"), {"ids": ids}):
        rows[trace_id].setdefault(f"{what}s", []).append([who, said])
    kept: list[dict[str, Any]] = []
    size = 0
    for trace_id in ids:
        row = {**rows[trace_id], "outcome": outcomes[trace_id]}
        size += len(orjson.dumps(row))
        if size > MOST_BYTES:
            break
        kept.append(row)
    return Sample(tuple(kept), len(ids) - len(kept))


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text()

"""Pinned Arrow schemas of the lake's tables, and the way from rows to tables and back.

Nothing is inferred from first rows: a column that is all null in one shard has the same type as in
the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import pyarrow as pa

from thoughtmill.schemas.base import Row
from thoughtmill.schemas.rows import (
    Drop,
    Exclusion,
    GoldCheck,
    Image,
    Item,
    Label,
    Reviewed,
    Score,
    Trace,
    Verdict,
)

_TEXTS = pa.list_(pa.field("element", pa.string()))
_META = pa.map_(pa.string(), pa.string())

SEGMENT = pa.struct(
    [
        ("kind", pa.string()),
        ("text", pa.string()),
        ("token_ids", pa.list_(pa.field("element", pa.int32()))),
        ("trainable", pa.bool_()),
    ]
)
PROVENANCE = pa.struct(
    [
        ("run_id", pa.string()),
        ("recipe", pa.string()),
        ("recipe_fingerprint", pa.string()),
        ("teacher", pa.string()),
        ("teacher_revision", pa.string()),
        ("teacher_fingerprint", pa.string()),
        ("sampling", pa.string()),
        ("seed", pa.int64()),
        ("requests", pa.int32()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("started_at", pa.float64()),
        ("seconds", pa.float64()),
    ]
)
SCHEMAS: dict[str, pa.Schema] = {
    "items": pa.schema(
        [
            ("item_id", pa.string()),
            ("kind", pa.string()),
            ("text", pa.string()),
            ("reference", pa.string()),
            ("choices", _TEXTS),
            ("images", _TEXTS),
            ("domain", pa.string()),
            ("source", pa.string()),
            ("meta", _META),
        ]
    ),
    "traces": pa.schema(
        [
            ("trace_id", pa.string()),
            ("item_id", pa.string()),
            ("draw", pa.int32()),
            ("parent_trace_id", pa.string()),
            ("segments", pa.list_(pa.field("element", SEGMENT))),
            ("answer", pa.string()),
            ("finish_reason", pa.string()),
            ("provenance", PROVENANCE),
            ("meta", _META),
        ]
    ),
    "drops": pa.schema(
        [
            ("trace_id", pa.string()),
            ("item_id", pa.string()),
            ("draw", pa.int32()),
            ("stage", pa.string()),
            ("reason", pa.string()),
            ("detail", pa.string()),
            ("run_id", pa.string()),
            ("recipe_fingerprint", pa.string()),
            ("teacher_fingerprint", pa.string()),
            ("completion_tokens", pa.int64()),
        ]
    ),
    "verdicts": pa.schema(
        [
            ("trace_id", pa.string()),
            ("verifier", pa.string()),
            ("outcome", pa.string()),
            ("reason", pa.string()),
            ("score", pa.float64()),
        ]
    ),
    "scores": pa.schema(
        [("trace_id", pa.string()), ("scorer", pa.string()), ("value", pa.float64())]
    ),
    "exclusions": pa.schema(
        [
            ("trace_id", pa.string()),
            ("screen", pa.string()),
            ("reason", pa.string()),
            ("detail", pa.string()),
        ]
    ),
    "labels": pa.schema(
        [
            ("trace_id", pa.string()),
            ("position", pa.int32()),
            ("labeller", pa.string()),
            ("label", pa.string()),
            ("score", pa.float64()),
        ]
    ),
    "reviewed": pa.schema([("trace_id", pa.string()), ("review", pa.string())]),
    "gold_checks": pa.schema(
        [
            ("item_id", pa.string()),
            ("verifier", pa.string()),
            ("outcome", pa.string()),
            ("reason", pa.string()),
        ]
    ),
    "images": pa.schema(
        [
            ("image_id", pa.string()),
            ("path", pa.string()),
            ("format", pa.string()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("bytes", pa.int64()),
        ]
    ),
}
MODELS: dict[str, type[Row]] = {
    "items": Item,
    "traces": Trace,
    "drops": Drop,
    "verdicts": Verdict,
    "scores": Score,
    "exclusions": Exclusion,
    "labels": Label,
    "reviewed": Reviewed,
    "gold_checks": GoldCheck,
    "images": Image,
}
"""The row model of each table; the keys are the tables a shard may hold."""

AnyRow = TypeVar("AnyRow", bound=Row)


def to_table(name: str, rows: Iterable[Row]) -> pa.Table:
    """Rows of one table as Arrow, in the pinned schema of `name`."""
    return pa.Table.from_pylist([_plain(row.model_dump()) for row in rows], schema=SCHEMAS[name])


def from_table(model: type[AnyRow], table: pa.Table) -> list[AnyRow]:
    """The rows of an Arrow table as models; columns that the model lacks are an error."""
    # Not strict: Arrow has checked the types, and its lists are to become tuples.
    return [
        model.model_validate(row, strict=False) for row in table.to_pylist(maps_as_pydicts="strict")
    ]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Maps as Arrow takes them: a list of pairs."""
    if "meta" in row:
        row["meta"] = list(row["meta"].items())
    return row

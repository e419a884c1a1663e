"""Writing a shard: the rows a worker has finished, as immutable Parquet files and a manifest.

A worker writes; it never opens the catalog.  Files that no commit comes to name are orphans, which
`maintain` sweeps.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from thoughtmill.schemas.arrow import SCHEMAS, to_table
from thoughtmill.schemas.base import Row
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.manifest import Manifest, ShardFile
from thoughtmill.schemas.rows import Drop, GoldCheck, Item, Reviewed, Score, Trace, Verdict
from thoughtmill.warehouse.images import Picture, store
from thoughtmill.warehouse.storage import Storage

ITEMS_LANE = "items"
TABLES = "main"
"""DuckLake's folder of all tables, below the lake's data path."""
_ITEM_SOURCES = pa.schema([("item_id", pa.string()), ("source", pa.string())])


def write_draws(
    storage: Storage,
    *,
    run_id: str,
    lane: str,
    ended: Sequence[Trace | Drop | Verdict],
    scores: Iterable[Score],
    slots: Iterable[int],
) -> Manifest:
    """Write finished draws and their scores; `slots` are their positions in the run's plan."""
    traces = [row for row in ended if isinstance(row, Trace)]
    drops = [row for row in ended if isinstance(row, Drop)]
    verdicts = [row for row in ended if isinstance(row, Verdict)]
    tables = _tables({"traces": traces, "drops": drops, "verdicts": verdicts, "scores": scores})
    return _write(
        storage,
        tables,
        run_id=run_id,
        lane=lane,
        # A draw that a later run does again after a drop is another row, dropped or not.
        identity=[
            sorted(trace.trace_id for trace in traces),
            sorted((str(drop.trace_id), drop.run_id) for drop in drops),
        ],
        slots=_slots(slots),
        prompt_tokens=sum(t.provenance.prompt_tokens for t in traces),
        completion_tokens=sum(t.provenance.completion_tokens for t in traces)
        + sum(d.completion_tokens for d in drops),
        drops=drops,
    )


def write_review(
    storage: Storage,
    *,
    run_id: str,
    lane: str,
    reviewed: Sequence[str],
    rows: Mapping[str, Sequence[Row]],
    slots: Iterable[int],
    unfinished: Sequence[str] = (),
    unfinished_slots: Iterable[int] = (),
    outcomes: Mapping[str, int] | None = None,
) -> Manifest:
    """Write what a review says of traces, by table (`verdicts`, `scores`, `labels`).

    `reviewed` are the ids of the traces it has been through, also those it has nothing to say of;
    `unfinished` those of which it has said only a part, so that another review has to go on.
    """
    seen = [Reviewed(trace_id=trace_id, review=lane) for trace_id in reviewed]
    return _write(
        storage,
        _tables({**rows, "reviewed": seen}),
        run_id=run_id,
        lane=lane,
        # What is unfinished comes again, and then it is another shard.
        identity=[sorted(reviewed), sorted(unfinished), run_id if unfinished else ""],
        drops=(),
        slots=_slots(slots),
        unfinished=_slots(unfinished_slots),
        outcomes=outcomes,
    )


def write_findings(
    storage: Storage,
    *,
    run_id: str,
    lane: str,
    reviewed: pa.Array,
    exclusions: pa.Table,
    slots: Iterable[int],
    outcomes: Mapping[str, int] | None = None,
) -> Manifest:
    """Write what a screen objects to, and the ids of the traces it has been through."""
    lanes = pa.array([lane] * len(reviewed), pa.string())
    tables = {
        "exclusions": exclusions.select(SCHEMAS["exclusions"].names).cast(SCHEMAS["exclusions"]),
        "reviewed": pa.table({"trace_id": reviewed, "review": lanes}, SCHEMAS["reviewed"]),
    }
    return _write(
        storage,
        {name: table for name, table in tables.items() if table.num_rows},
        run_id=run_id,
        lane=lane,
        identity=[
            sorted(reviewed.to_pylist()),
            sorted(exclusions.column("trace_id").to_pylist()),
        ],
        drops=(),
        slots=_slots(slots),
        outcomes=outcomes,
    )


def write_gold_checks(
    storage: Storage,
    *,
    run_id: str,
    lane: str,
    checks: Sequence[GoldCheck],
    slots: Iterable[int],
) -> Manifest:
    """Write what items' own verifiers say of their gold answers, one row an item."""
    return _write(
        storage,
        _tables({"gold_checks": checks}),
        run_id=run_id,
        lane=lane,
        identity=sorted((check.item_id, check.reason) for check in checks),
        drops=(),
        slots=_slots(slots),
        outcomes=Counter(check.outcome for check in checks),
    )


def write_items(
    storage: Storage,
    *,
    run_id: str,
    source: str,
    items: Sequence[Item],
    drops: Sequence[Drop],
    pictures: Sequence[Picture] = (),
) -> Manifest:
    """Write the items read from a stretch of one source, and the images they point at.

    The same stretch read again gives the same shard id, so its drops are not counted twice.
    """
    store(storage, pictures)
    images = [picture.row for picture in pictures]
    tables = _tables({"items": items, "drops": drops, "images": images})
    if items:
        pairs = [{"item_id": item.item_id, "source": source} for item in items]
        tables["item_sources"] = pa.Table.from_pylist(pairs, schema=_ITEM_SOURCES)
    identity: list[object] = [
        source,
        [item.item_id for item in items],
        [(d.reason, d.detail) for d in drops],
    ]
    if images:
        identity.append([image.image_id for image in images])
    return _write(storage, tables, run_id=run_id, lane=ITEMS_LANE, identity=identity, drops=drops)


def table_folder(table: str) -> str:
    """Where the files of a table lie, relative to the data path.

    It is DuckLake's own folder of the table: only below it the catalog keeps relative paths, so
    that a lake can be moved.
    """
    return f"{TABLES}/{table}"


def _slots(slots: Iterable[int]) -> bytes:
    return np.fromiter(slots, dtype="<i8").tobytes()


def _tables(rows: Mapping[str, Iterable[Row]]) -> dict[str, pa.Table]:
    tables = {name: to_table(name, some) for name, some in rows.items()}
    return {name: table for name, table in tables.items() if table.num_rows}


def _write(
    storage: Storage,
    tables: dict[str, pa.Table],
    *,
    run_id: str,
    lane: str,
    identity: Sequence[object],
    drops: Sequence[Drop],
    slots: bytes = b"",
    unfinished: bytes = b"",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    outcomes: Mapping[str, int] | None = None,
) -> Manifest:
    shard_id = content_hash("shard", lane, identity)
    # A shard written twice is the same shard in two files: the books name one, and a rewrite must
    # not touch it (times differ, and the catalog remembers a file's size).
    attempt = secrets.token_hex(4)
    files = []
    for name, table in tables.items():
        path = f"{table_folder(name)}/{run_id}/{shard_id}-{attempt}.parquet"
        storage.write_table(path, table)
        files.append(ShardFile(table=name, path=path, rows=table.num_rows))
    reasons: dict[str, int] = {}
    for drop in drops:
        reasons[drop.reason] = reasons.get(drop.reason, 0) + 1
    return Manifest(
        shard_id=shard_id,
        run_id=run_id,
        lane=lane,
        files=tuple(files),
        slots=slots,
        unfinished=unfinished,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        drops=reasons,
        outcomes=dict(outcomes or {}),
    )

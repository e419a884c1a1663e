"""The ingest stage: parts of sources go to Ray tasks, which write items and drops as shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import ray

from schemas.errors import LakeError
from schemas.manifest import Manifest
from schemas.rows import Drop, Item
from tasks.inbox import Inbox
from tasks.sources import Part, Source
from tasks.stream import Stopping, manifests
from warehouse.shards import write_items
from warehouse.storage import Storage

_SHARD_ROWS = 10_000
_SHARD_CHARS = 32 << 20
_IN_FLIGHT = 64


def stream_items(
    sources: Iterable[Source], run_id: str, data: str, *, stopping: Stopping
) -> Iterator[Manifest | None]:
    """Read all parts of all sources; see `tasks.stream.manifests`.

    `data` is the lake's data path.  Raises `ConfigError` at once for a source that can't be read.
    """
    parts = [(source, part) for source in sources for part in source.parts()]
    inbox = Inbox.remote()  # type: ignore[attr-defined]

    def drive() -> None:
        pending: list[Any] = []
        for source, part in parts:
            if stopping():
                break
            if len(pending) >= _IN_FLIGHT:
                done, pending = ray.wait(pending)
                ray.get(done)
            pending.append(read_part.remote(source, part, run_id, data, inbox))
        while pending and not stopping():
            done, pending = ray.wait(pending, timeout=1.0)
            ray.get(done)
        for part in pending:
            ray.cancel(part, force=True)

    return manifests(inbox, drive, stopping)


@ray.remote  # type: ignore[untyped-decorator]
def read_part(source: Source, part: Part, run_id: str, data: str, inbox: Any) -> None:
    """Read one part and announce its shards one by one."""
    storage = Storage(data)
    label = source.name or source.label
    try:
        for items, drops in _batches(source.read(part, run_id)):
            manifest = write_items(storage, run_id=run_id, source=label, items=items, drops=drops)
            ray.get(inbox.put.remote(manifest))
    except LakeError as exc:
        ray.get(inbox.fail.remote(exc))
        raise


def _batches(rows: Iterable[Item | Drop]) -> Iterator[tuple[list[Item], list[Drop]]]:
    """Rows by the shard, an item of the same content once."""
    items: dict[str, Item] = {}
    drops: list[Drop] = []
    chars = 0
    for row in rows:
        if isinstance(row, Drop):
            drops.append(row)
        elif row.item_id not in items:
            items[row.item_id] = row
            chars += len(row.text)
        if len(items) + len(drops) >= _SHARD_ROWS or chars >= _SHARD_CHARS:
            yield list(items.values()), drops
            items, drops, chars = {}, [], 0
    if items or drops:
        yield list(items.values()), drops

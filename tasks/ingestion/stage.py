"""The ingest stage: parts of sources go to Ray tasks, which write items and drops as shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import ray

from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.manifest import Manifest
from thoughtmill.schemas.rows import Drop, Item
from thoughtmill.tasks.runtime.inbox import Line, open_inbox
from thoughtmill.tasks.runtime.stream import Over, Stopping, manifests
from thoughtmill.tasks.sources import Part, Source
from thoughtmill.warehouse.images import Picture
from thoughtmill.warehouse.shards import write_items
from thoughtmill.warehouse.storage import Storage

_SHARD_ROWS = 10_000
_SHARD_SIZE = 32 << 20
_IN_FLIGHT = 64
_ACK_S = 10.0


def stream_items(
    sources: Iterable[Source], run_id: str, data: str, *, stopping: Stopping
) -> Iterator[Manifest | None]:
    """Read all parts of all sources; see `tasks.stream.manifests`.

    `data` is the lake's data path.  Raises `ConfigError` at once for a source that can't be read.
    """
    parts = [(source, part) for source in sources for part in source.parts()]
    inbox = open_inbox()

    def drive(_over: Over) -> None:
        pending: list[Any] = []
        for source, part in parts:
            if stopping():
                break
            while len(pending) >= _IN_FLIGHT and not stopping():
                done, pending = ray.wait(pending, timeout=1.0)
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
    """Read one part and announce its shards; the next one is written while one is committed."""
    storage = Storage(data)
    line = Line(inbox)
    before: Manifest | None = None
    label = source.counted_as
    try:
        for batch in _batches(source.read(part, run_id)):
            manifest = write_items(
                storage,
                run_id=run_id,
                source=label,
                items=list(batch.items.values()),
                drops=batch.drops,
                pictures=list(batch.pictures.values()),
            )
            manifest = manifest.model_copy(update={"repeats": batch.repeats})
            if before is not None:
                _deliver(line, before)
            line.call("put", manifest, 0.0)
            before = manifest
        if before is not None:
            _deliver(line, before)
    except LakeError as exc:
        line.call("fail", exc)
        raise


def _deliver(line: Line, manifest: Manifest) -> None:
    """Wait until a shard that was announced has been committed."""
    while not line.call("put", manifest, _ACK_S, wait_s=_ACK_S):
        pass


@dataclass
class _Batch:
    """Rows of one shard, an item or a picture of the same content once."""

    items: dict[str, Item] = field(default_factory=dict)
    drops: list[Drop] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)
    repeats: int = 0
    """Rows whose item the shard holds already."""
    size: int = 0
    """Characters of text and bytes of images."""

    @property
    def rows(self) -> int:
        return len(self.items) + len(self.drops) + len(self.pictures)

    def add(self, row: Item | Drop | Picture) -> None:
        if isinstance(row, Drop):
            self.drops.append(row)
        elif isinstance(row, Picture):
            if row.row.image_id not in self.pictures:
                self.pictures[row.row.image_id] = row
                self.size += row.row.bytes
        elif row.item_id not in self.items:
            self.items[row.item_id] = row
            self.size += len(row.text)
        else:
            self.repeats += 1


def _batches(rows: Iterable[Item | Drop | Picture]) -> Iterator[_Batch]:
    """Rows by the shard."""
    batch = _Batch()
    for row in rows:
        batch.add(row)
        if batch.rows >= _SHARD_ROWS or batch.size >= _SHARD_SIZE:
            yield batch
            batch = _Batch()
    if batch.rows:
        yield batch

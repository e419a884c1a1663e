"""Small rows, shards and lakes for tests, and the child processes that write them."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from thoughtmill.schemas.ids import content_hash, trace_id
from thoughtmill.schemas.manifest import Manifest
from thoughtmill.schemas.rows import Drop, Item, Provenance, Score, Segment, Trace
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.commit import Committer, newest_entry
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.shards import ITEMS_LANE, write_draws, write_items
from thoughtmill.warehouse.storage import Storage

RECIPE = "recipe-1"
TEACHER = "teacher-1"
LANE = f"{RECIPE}/{TEACHER}"
SCORER = "repetition@1"


def settings_of(folder: Path) -> LakeSettings:
    return LakeSettings.model_validate(str(folder))


def item(number: int, *, source: str = "documents", kind: str = "document", **fields) -> Item:
    text = fields.pop("text", f"Document {number}: water runs down the hill.")
    return Item(
        item_id=content_hash(kind, text, number), kind=kind, text=text, source=source, **fields
    )


def trace(number: int, draw: int = 0, *, run_id: str = "run-1", seconds: float = 0.5, **fields):
    item_id = item(number).item_id
    thought = f"Thought {number}.{draw}: it runs down because it is heavy."
    segments = (
        Segment(kind="prompt", text="Think.", token_ids=(1, 2, 3), trainable=False),
        Segment(kind="think", text=thought, token_ids=tuple(range(20 + number)), trainable=True),
    )
    values = {
        "trace_id": trace_id(item_id, RECIPE, TEACHER, draw),
        "item_id": item_id,
        "draw": draw,
        "segments": segments,
        "finish_reason": "stop",
        "provenance": Provenance(
            run_id=run_id,
            recipe="thinking",
            recipe_fingerprint=RECIPE,
            teacher="pico",
            teacher_revision="r1",
            teacher_fingerprint=TEACHER,
            sampling="{}",
            seed=7,
            requests=1,
            prompt_tokens=3,
            completion_tokens=20 + number,
            started_at=1_800_000_000.0 + number,
            seconds=seconds,
        ),
        "meta": {"document_chars": "11"},
    }
    return Trace(**{**values, **fields})


def drop(number: int, draw: int = 0, *, run_id: str = "run-1", reason: str = "length") -> Drop:
    item_id = item(number).item_id
    return Drop(
        trace_id=trace_id(item_id, RECIPE, TEACHER, draw),
        item_id=item_id,
        draw=draw,
        stage="recipe",
        reason=reason,
        detail="never ended",
        run_id=run_id,
        recipe_fingerprint=RECIPE,
        teacher_fingerprint=TEACHER,
        completion_tokens=9,
    )


def draws_shard(
    settings: LakeSettings, ended: Sequence[Trace | Drop], slots: Sequence[int]
) -> Manifest:
    """Write finished draws, one score a trace, as a worker does."""
    run_id = ended[0].provenance.run_id if isinstance(ended[0], Trace) else ended[0].run_id
    traces = [row for row in ended if isinstance(row, Trace)]
    scores = [Score(trace_id=t.trace_id, scorer=SCORER, value=0.25) for t in traces]
    return write_draws(
        Storage(settings.data), run_id=run_id, lane=LANE, ended=ended, scores=scores, slots=slots
    )


def items_shard(
    settings: LakeSettings, items: Sequence[Item], *, source: str = "documents", run_id="run-1"
) -> Manifest:
    """Write items of one source, as an ingest task does."""
    return write_items(Storage(settings.data), run_id=run_id, source=source, items=items, drops=[])


def committer(lake: Lake, run_id: str = "run-1", planned: int = 100) -> Committer:
    """A committer of draws for a run that is planned now."""
    return Committer(lake, run_id, LANE, planned, newest_entry(lake))


def land_items(lake: Lake, items: Sequence[Item], source: str = "documents") -> None:
    """Items into the lake, in one shard."""
    shard = items_shard(lake.settings, items, source=source)
    Committer(lake, "run-1", ITEMS_LANE).commit(shard)


def small_lake(folder: Path) -> LakeSettings:
    """Six documents and two problems; traces of the documents but the last, which was dropped."""
    settings = settings_of(folder)
    with Lake.create(settings) as lake:
        documents = [item(n, domain="hills" if n < 4 else "rivers") for n in range(6)]
        problems = [
            item(n, kind="problem", source="problems", text=f"{n} + 1 = ?", reference=str(n + 1))
            for n in (6, 7)
        ]
        land_items(lake, documents)
        land_items(lake, problems, source="problems")
        landing = committer(lake)
        landing.commit(draws_shard(settings, [trace(n) for n in range(3)], [0, 1, 2]))
        landing.commit(draws_shard(settings, [trace(3), trace(4), drop(5)], [3, 4, 5]))
    return settings


def commit_forever(settings: LakeSettings, run_id: str) -> None:
    """Child process: commit one shard after another until it is killed."""
    with Lake.create(settings) as lake:
        landing = committer(lake, run_id, planned=10_000)
        for number in range(10_000):
            landing.commit(draws_shard(settings, [trace(number, run_id=run_id)], [number]))


def commit_range(
    settings: LakeSettings, run_id: str, start: int, count: int, width: int = 2
) -> None:
    """Child process: commit `count` shards of `width` traces; all but one are in the next too."""
    with Lake.create(settings) as lake:
        landing = Committer(lake, run_id, LANE, start + count + width)
        for number in range(start, start + count):
            slots = range(number, number + width)
            rows = [trace(n, run_id=run_id) for n in slots]
            landing.commit(draws_shard(settings, rows, slots))


def write_and_wait(settings: LakeSettings, run_id: str, done: str) -> None:
    """Child process: write a shard, say so in the file `done`, and wait to be killed."""
    with Lake.create(settings):
        draws_shard(settings, [trace(0, run_id=run_id)], [0])
        Path(done).touch()
        signal.pause()

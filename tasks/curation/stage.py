"""The curate stage's work: screens in order, each over the traces that it has to look at.

A screen goes by its full name, which holds its version and its knobs: another threshold is
another screen.  A pool screen's findings rest on the pool as well, so the predicate and the screens
before it are part of its name, as six hex digits after a `#`.  Each name has its lane in
`reviewed`, so running the same screens again looks at new traces alone; pool screens compare them
with all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import pyarrow as pa

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.manifest import Manifest
from thoughtmill.tasks.screens import AnyScreen, PoolScreen, RowScreen, Screen
from thoughtmill.tasks.screens.threads import threaded
from thoughtmill.warehouse.candidates import Candidates
from thoughtmill.warehouse.shards import write_findings
from thoughtmill.warehouse.storage import Storage

_SHARD_ROWS = 100_000
_TICK_S = 0.5


class CurateSettings(Frozen):
    """Which traces are screened, and by what."""

    where: str = "true"
    """SQL predicate over the columns of `thoughts`: which traces are screened."""
    screens: tuple[AnyScreen, ...] = ()
    """Screens in order; one does not look at what those before it have excluded."""

    def lanes(self) -> list[ScreenLane]:
        """The screens by their full names.  Raises `ConfigError` for one that can't work."""
        lanes: list[ScreenLane] = []
        for screen in self.screens:
            screen.check()
            before = () if screen.independent else tuple(lane.name for lane in lanes)
            name = screen.name
            if isinstance(screen, PoolScreen) and (before or self.where != "true"):
                name += f"#{content_hash(self.where, before)[:6]}"
            lanes.append(ScreenLane(screen, name, before))
        return lanes


@dataclass(frozen=True)
class ScreenLane:
    """A screen at its place in the order."""

    screen: Screen
    name: str
    """What its exclusions are booked under."""
    before: tuple[str, ...]
    """Names of the screens whose exclusions it does not look at."""

    @property
    def lane(self) -> str:
        """Its lane in `reviewed` and in the books."""
        return f"curate/{content_hash('screen', self.name)[:16]}"


def stream_findings(
    lane: ScreenLane,
    candidates: Candidates,
    storage: Storage,
    run_id: str,
    *,
    stopping: Callable[[], bool],
) -> Iterator[Manifest | None]:
    """Judge the candidates and write what is found, shard by shard; None is a sign of life."""
    slot = 0
    for ids, found in _judged(lane.screen, candidates, stopping):
        if ids is None:
            yield None
            continue
        reasons = Counter(found.column("reason").to_pylist())
        yield write_findings(
            storage,
            run_id=run_id,
            lane=lane.lane,
            reviewed=ids,
            exclusions=found.append_column("screen", pa.array([lane.name] * len(found))),
            slots=range(slot, slot + len(ids)),
            outcomes=reasons,
        )
        slot += len(ids)


_Judged = tuple[pa.Array | None, pa.Table]


def _judged(
    screen: Screen, candidates: Candidates, stopping: Callable[[], bool]
) -> Iterator[_Judged]:
    if not candidates.fresh:
        return
    if isinstance(screen, RowScreen):
        yield from _row_by_row(screen, candidates, stopping)
    else:
        assert isinstance(screen, PoolScreen)
        yield from _all_together(screen, candidates, stopping)


def _row_by_row(
    screen: RowScreen, candidates: Candidates, stopping: Callable[[], bool]
) -> Iterator[_Judged]:
    ids: list[pa.Array] = []
    tables: list[pa.Table] = []

    def judge(rows: pa.RecordBatch) -> tuple[pa.Array, pa.Table]:
        return rows.column("trace_id"), screen.judge(rows)

    for some, found in threaded(judge, candidates.chunks(only_fresh=True)):
        ids.append(some)
        tables.append(found)
        yield None, found
        if sum(map(len, ids)) >= _SHARD_ROWS or stopping():
            yield pa.concat_arrays(ids), pa.concat_tables(tables)
            ids, tables = [], []
        if stopping():
            return
    if ids:
        yield pa.concat_arrays(ids), pa.concat_tables(tables)


def _all_together(
    screen: PoolScreen, candidates: Candidates, stopping: Callable[[], bool]
) -> Iterator[_Judged]:
    nothing = pa.table({"reason": []})
    with ThreadPoolExecutor(1) as pool:
        judging = pool.submit(screen.judge_all, candidates)
        while not wait([judging], _TICK_S).done:
            yield None, nothing
        found = judging.result()
    if stopping():
        return
    places = candidates.places()
    fresh = places.column("trace_id").filter(places.column("fresh")).combine_chunks()
    # All findings go with the first shard: a trace that is booked as seen has its findings booked.
    for start in range(0, len(fresh), _SHARD_ROWS):
        yield fresh.slice(start, _SHARD_ROWS), found
        found = found.slice(0, 0)


def booked(lanes: list[ScreenLane], settings: CurateSettings) -> dict[str, object]:
    """What the book of runs keeps of a curate run; `screens_in_force` reads `screens`."""
    return {
        "screens": [lane.name for lane in lanes],
        "where": settings.where,
        "settings": [
            screen.model_dump(mode="json", exclude_defaults=True) | {"kind": screen.kind}
            for screen in settings.screens
        ],
    }

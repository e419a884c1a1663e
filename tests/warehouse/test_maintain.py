from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.lakes import (
    LANE,
    RECIPE,
    TEACHER,
    committer,
    draws_shard,
    item,
    land_items,
    settings_of,
    trace,
)
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.warehouse.commit import Committer
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.maintain import Maintained, maintain
from thoughtmill.warehouse.plan import plan_draws
from thoughtmill.warehouse.storage import Storage

DAY_S = 86_400.0
THOUGHTS = "SELECT trace_id, thinking FROM thoughts ORDER BY trace_id"


def land(lake: Lake, start: int, count: int) -> None:
    landing = committer(lake)
    for n in range(start, start + count):
        landing.commit(draws_shard(lake.settings, [trace(n)], [n]))


def age(settings, path: str, age_s: float) -> None:
    then = time.time() - age_s
    os.utime(Path(settings.data, path), (then, then))


def test_maintain_when_files_are_small_then_there_are_fewer_and_every_snapshot_reads_the_same(
    settings,
):
    with Lake.create(settings) as lake:
        land_items(lake, [item(n) for n in range(8)])
        land(lake, 0, 3)
        first, of_first = lake.snapshot(), lake.rows(THOUGHTS)
        land(lake, 3, 2)
        second, of_second = lake.snapshot(), lake.rows(THOUGHTS)
    assert maintain(settings) == Maintained(merged=8, swept=0)
    with Lake.create(settings) as lake:
        assert lake.rows(THOUGHTS) == of_second
        land(lake, 5, 2)
        newest = lake.rows(THOUGHTS)
    for file in Storage(settings.data).files():
        age(settings, file, 10 * DAY_S)
    # Merged again, and this time what was merged away is deleted.
    done = maintain(settings, orphan_age_s=0)
    assert done.merged == 5  # the books of shards among them
    assert done.swept >= 10
    for snapshot, expected in [(first, of_first), (second, of_second), (None, newest)]:
        with Lake.open(settings, snapshot=snapshot) as lake:
            assert lake.rows(THOUGHTS) == expected
            ids = [(trace_id,) for trace_id, _ in expected]
            assert lake.rows("SELECT trace_id FROM scores ORDER BY 1") == ids
    assert len([f for f in Storage(settings.data).files() if "/traces/" in f]) == 1


def test_maintain_when_files_are_left_behind_then_only_old_ones_are_swept(small):
    storage = Storage(small.data)
    committed = set(storage.files())
    old = draws_shard(small, [trace(0, 7)], [0])
    new = draws_shard(small, [trace(0, 8)], [0])
    for file in old.files:
        age(small, file.path, 2 * DAY_S)
    for path in committed:
        age(small, path, 400 * DAY_S)
    Path(small.data, "main/traces/run-1/x.parquet.partial").write_text("half")
    age(small, "main/traces/run-1/x.parquet.partial", 2 * DAY_S)
    assert maintain(small).swept == len(old.files) + 1
    left = set(storage.files())
    assert {file.path for file in new.files} <= left
    assert not {file.path for file in old.files} & left
    with Lake.create(small) as lake:
        assert len(lake.rows(THOUGHTS)) == 5
        # What was left and is young may still be announced.
        Committer(lake, "run-1", LANE, 1).commit(new)
        assert len(lake.rows(THOUGHTS)) == 6


def test_maintain_when_other_things_lie_beside_the_lakes_files_then_they_stay(small):
    other = Path(small.data, "notes", "mine.parquet")
    other.parent.mkdir()
    other.write_bytes(b"mine")
    age(small, "notes/mine.parquet", 100 * DAY_S)
    maintain(small)
    assert other.read_bytes() == b"mine"


def test_maintain_when_a_long_run_still_reads_its_plan_then_the_plan_stays(small):
    with Lake.create(small) as lake:
        plan = plan_draws(
            lake, "run-2", recipe_fingerprint=RECIPE, teacher_fingerprint=TEACHER, draws=2
        )
        for path in lake.storage.files(plan.folder):
            age(small, path, 6 * DAY_S)
        assert maintain(small).swept == 0
        assert lake.storage.files(plan.folder)
        for path in lake.storage.files(plan.folder):
            age(small, path, 60 * DAY_S)
    assert maintain(small).swept == 1


def test_maintain_when_there_is_no_lake_then_none_is_made(tmp_path):
    with pytest.raises(ConfigError, match="no lake at"):
        maintain(settings_of(tmp_path / "nowhere"))
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

import pytest

from tests.lakes import (
    LANE,
    committer,
    draws_shard,
    drop,
    item,
    items_shard,
    land_items,
    settings_of,
    small_lake,
    trace,
)
from thoughtmill.schemas.arrow import MODELS, from_table
from thoughtmill.schemas.errors import LakeError
from thoughtmill.warehouse.commit import Committer, newest_entry
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.plan import plan_draws
from thoughtmill.warehouse.shards import ITEMS_LANE


def stored(lake: Lake, table: str) -> list:
    """The rows of a table, read whole."""
    arrow = lake.connection.sql(f"FROM {table} ORDER BY 1, 2").to_arrow_table()
    return from_table(MODELS[table], arrow)


def by_id(rows: list) -> list:
    return sorted(rows, key=lambda row: row.trace_id)


def on_disk(lake: Lake, tables: tuple[str, ...] = ("items", "traces", "drops", "scores")) -> set:
    files = lake.storage.files()
    return {path for path in files if path.split("/")[1] in (*tables, "item_sources")}


def in_books(lake: Lake) -> set[str]:
    return {file["path"] for (files,) in lake.rows("SELECT files FROM shards") for file in files}


def test_commit_when_a_shard_lands_then_its_rows_are_what_was_written(lake):
    rows = [trace(0, meta={"focus_char": "3"}), trace(1, answer="é\n🧠"), drop(2)]
    manifest = draws_shard(lake.settings, rows, [0, 1, 2])
    landed = committer(lake).commit(manifest)
    assert landed.rows == {"traces": 2, "drops": 1, "scores": 2}
    assert landed.repeated == 0
    assert stored(lake, "traces") == by_id(rows[:2])
    assert stored(lake, "drops") == rows[2:]
    assert lake.rows("SELECT commit_no, shard_id, run_id, lane FROM shards") == [
        (1, manifest.shard_id, "run-1", LANE)
    ]
    assert in_books(lake) == on_disk(lake)
    assert manifest.drops == {"length": 1}
    assert (manifest.prompt_tokens, manifest.completion_tokens) == (6, 50)


def test_commit_when_the_same_manifest_comes_twice_then_it_lands_once(lake):
    manifest = draws_shard(lake.settings, [trace(0), trace(1)], [0, 1])
    landing = committer(lake)
    landing.commit(manifest)
    again = landing.commit(manifest)
    assert (again.rows, again.repeated) == ({}, 4)
    assert stored(lake, "traces") == by_id([trace(0), trace(1)])
    assert newest_entry(lake) == 1
    assert landing.settled == 2


def test_commit_when_the_same_draws_are_written_twice_then_the_first_shard_stays_whole(lake):
    first = draws_shard(lake.settings, [trace(0, seconds=1.25)], [0])
    landing = committer(lake)
    landing.commit(first)
    second = draws_shard(lake.settings, [trace(0, seconds=123456.789)], [0])
    assert second.shard_id == first.shard_id
    assert landing.commit(second).rows == {}
    assert stored(lake, "traces") == [trace(0, seconds=1.25)]
    assert in_books(lake) == on_disk(lake)


def test_commit_when_a_micro_batch_is_repeated_then_each_draw_lands_once(lake):
    landing = committer(lake)
    landing.commit(draws_shard(lake.settings, [trace(0), drop(1), trace(2)], [0, 1, 2]))
    repeat = draws_shard(lake.settings, [drop(1), trace(2), trace(3), drop(4)], [1, 2, 3, 4])
    landed = landing.commit(repeat)
    assert landed.rows == {"traces": 1, "drops": 1, "scores": 1}
    assert landed.repeated == 3
    assert landing.settled == 5
    assert stored(lake, "traces") == by_id([trace(0), trace(2), trace(3)])
    assert {row.trace_id for row in stored(lake, "drops")} == {drop(1).trace_id, drop(4).trace_id}
    assert {s.trace_id for s in stored(lake, "scores")} == {trace(n).trace_id for n in (0, 2, 3)}
    assert in_books(lake) == on_disk(lake)


def test_commit_when_two_runs_do_the_same_draws_then_each_trace_lands_once(settings):
    with Lake.create(settings) as one, Lake.create(settings) as two:
        first, second = committer(one, "run-1"), committer(two, "run-2")
        first.commit(draws_shard(settings, [trace(n) for n in range(4)], range(4)))
        theirs = [trace(n, run_id="run-2") for n in range(2, 6)]
        landed = second.commit(draws_shard(settings, theirs, range(2, 6)))
        assert (landed.rows, landed.repeated) == ({"traces": 2, "scores": 2}, 4)
        late = first.commit(draws_shard(settings, [trace(5), trace(6)], [5, 6]))
        assert late.rows == {"traces": 1, "scores": 1}
        assert [t.trace_id for t in stored(one, "traces")] == sorted(
            trace(n).trace_id for n in range(7)
        )
        assert len(stored(one, "scores")) == 7
        assert in_books(one) == on_disk(one)


def test_commit_when_nothing_of_a_shard_is_new_then_it_is_booked_without_files(settings):
    with Lake.create(settings) as lake:
        first, second = committer(lake, "run-1"), committer(lake, "run-2")
        first.commit(draws_shard(settings, [trace(0), trace(1)], [0, 1]))
        theirs = draws_shard(settings, [trace(0, run_id="run-2")], [0])
        assert second.commit(theirs).rows == {}
        assert lake.rows("SELECT shard_id, len(files) FROM shards WHERE commit_no = 2") == [
            (theirs.shard_id, 0)
        ]
        assert in_books(lake) == on_disk(lake)


def test_commit_when_dropped_draws_are_done_again_beside_another_run_then_they_land(settings):
    with Lake.create(settings) as lake:
        land_items(lake, [item(n) for n in range(4)])
        failed = [drop(n, reason="teacher_error") for n in range(3)]
        committer(lake, "run-0").commit(
            draws_shard(settings, [d.model_copy(update={"run_id": "run-0"}) for d in failed], [])
        )
        redoing, other = committer(lake, "run-1"), committer(lake, "run-2")
        other.commit(draws_shard(settings, [trace(3, run_id="run-2")], [3]))
        landed = redoing.commit(draws_shard(settings, [trace(n) for n in range(4)], range(4)))
        assert landed.rows == {"traces": 3, "scores": 3}
        assert lake.one("SELECT count(*) FROM traces") == 4


def test_commit_when_a_whole_shard_of_drops_is_done_again_then_its_traces_land(settings):
    with Lake.create(settings) as lake:
        failed = [drop(n, reason="teacher_error") for n in range(3)]
        committer(lake).commit(draws_shard(settings, failed, range(3)))
        redoing = committer(lake)
        assert redoing.commit(draws_shard(settings, failed, range(3))).repeated == 3
        landed = redoing.commit(draws_shard(settings, [trace(n) for n in range(3)], range(3)))
        assert landed.rows == {"traces": 3, "scores": 3}


def test_commit_when_another_run_failed_at_the_same_draws_then_what_is_finished_lands(settings):
    with Lake.create(settings) as lake:
        healthy, failing = committer(lake, "run-1"), committer(lake, "run-2")
        failed = [drop(n, run_id="run-2", reason="teacher_error") for n in range(3)]
        failing.commit(draws_shard(settings, failed, range(3)))
        landed = healthy.commit(draws_shard(settings, [trace(n) for n in range(3)], range(3)))
        assert landed.rows == {"traces": 3, "scores": 3}
        late = [drop(n, run_id="run-2", reason="teacher_error") for n in range(2, 5)]
        assert failing.commit(draws_shard(settings, late, range(2, 5))).rows == {"drops": 2}


def test_commit_when_draws_fail_again_in_a_later_run_then_their_drops_count_again(settings):
    with Lake.create(settings) as lake:
        for run_id in ("run-1", "run-2"):
            failed = [drop(n, run_id=run_id, reason="teacher_error") for n in range(3)]
            landed = committer(lake, run_id).commit(draws_shard(settings, failed, range(3)))
            assert landed.rows == {"drops": 3}


def test_commit_when_a_file_is_lost_then_nothing_of_the_shard_is_there_and_the_next_lands(lake):
    landing = committer(lake)
    manifest = draws_shard(lake.settings, [trace(0), drop(1)], [0, 1])
    lost = next(file for file in manifest.files if file.table == "drops")
    lake.storage.delete(lost.path)
    with pytest.raises(LakeError, match=manifest.shard_id):
        landing.commit(manifest)
    assert stored(lake, "traces") == []
    assert newest_entry(lake) == 0
    assert landing.settled == 0
    landing.commit(draws_shard(lake.settings, [trace(0), drop(1)], [0, 1]))
    assert stored(lake, "traces") == [trace(0)]


def test_commit_when_the_lake_is_of_another_shape_then_the_error_is_one_line(lake):
    manifest = draws_shard(lake.settings, [trace(0)], [0])
    wrong = [file.model_copy(update={"table": "drops"}) for file in manifest.files]
    with pytest.raises(LakeError) as failed:
        committer(lake).commit(manifest.model_copy(update={"files": tuple(wrong)}))
    assert len(str(failed.value).splitlines()) == 1


def test_items_when_two_sources_hold_the_same_then_it_is_kept_once_with_both_sources(lake):
    landing = Committer(lake, "run-1", ITEMS_LANE)
    ours, theirs = [item(0), item(1)], [item(1), item(2)]
    landing.commit(items_shard(lake.settings, ours, source="ours"))
    landed = landing.commit(items_shard(lake.settings, theirs, source="theirs"))
    assert landed.rows == {"items": 1, "item_sources": 2}
    assert lake.one("SELECT count(*) FROM items") == 3
    assert lake.rows(
        "SELECT source FROM item_sources WHERE item_id = ? ORDER BY ALL", [item(1).item_id]
    ) == [("ours",), ("theirs",)]


def test_items_when_a_source_grows_then_only_what_is_new_lands(lake):
    landing = Committer(lake, "run-1", ITEMS_LANE)
    landing.commit(items_shard(lake.settings, [item(0), item(1)]))
    landed = landing.commit(items_shard(lake.settings, [item(0), item(1), item(2)]))
    assert (landed.rows, landed.repeated) == ({"items": 1, "item_sources": 1}, 4)
    assert sorted(row.item_id for row in stored(lake, "items")) == sorted(
        item(n).item_id for n in range(3)
    )
    assert in_books(lake) == on_disk(lake)


def test_items_when_the_same_source_is_read_by_another_run_then_nothing_is_added(lake):
    items = [item(0), item(1)]
    Committer(lake, "run-1", ITEMS_LANE).commit(items_shard(lake.settings, items))
    again = items_shard(lake.settings, items, run_id="run-2")
    assert Committer(lake, "run-2", ITEMS_LANE).commit(again).rows == {}
    assert newest_entry(lake) == 1
    assert in_books(lake) == on_disk(lake)


def test_plan_when_the_small_lake_is_made_twice_then_nothing_is_left_to_do(tmp_path):
    settings = small_lake(tmp_path / "lake")
    small_lake(tmp_path / "lake")
    with Lake.create(settings) as lake:
        plan = plan_draws(
            lake,
            "run-2",
            recipe_fingerprint="recipe-1",
            teacher_fingerprint="teacher-1",
            draws=1,
            where="kind = 'document'",
        )
        assert (plan.pending, plan.wanted) == (0, 6)
        assert lake.one("SELECT count(*) FROM traces") == 5


def test_commit_when_a_shard_holds_a_trace_twice_then_it_lands_once(lake):
    landing = committer(lake)
    landed = landing.commit(draws_shard(lake.settings, [trace(0), trace(0), trace(1)], [0, 0, 1]))
    assert landed.rows == {"traces": 2, "scores": 2}
    assert landed.repeated == 2
    assert stored(lake, "traces") == by_id([trace(0), trace(1)])


def test_items_when_a_shard_holds_an_item_twice_then_it_lands_once(lake):
    shard = items_shard(lake.settings, [item(0), item(1), item(0)])
    landed = Committer(lake, "run-1", ITEMS_LANE).commit(shard)
    assert landed.rows == {"items": 2, "item_sources": 2}


def test_commit_when_a_folder_above_is_named_like_a_partition_then_a_shard_is_trimmed(tmp_path):
    settings = settings_of(tmp_path / "exp=1" / "trace_id=2" / "lake")
    with Lake.create(settings) as lake:
        committer(lake, "run-1").commit(draws_shard(settings, [trace(0)], [0]))
        rows = [trace(n, run_id="run-2") for n in range(2)]
        landed = Committer(lake, "run-2", LANE, 2, 0).commit(draws_shard(settings, rows, [0, 1]))
        assert landed.rows == {"traces": 1, "scores": 1}
        assert lake.one("SELECT count(DISTINCT trace_id) FROM traces") == 2

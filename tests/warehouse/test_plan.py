from __future__ import annotations

import polars as pl
import pytest

from tests.lakes import RECIPE, TEACHER, committer, draws_shard, drop, item, land_items, trace
from thoughtmill.schemas.arrow import SCHEMAS, from_table
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Item
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.plan import Plan, plan_draws


@pytest.fixture
def small_writer(small):
    with Lake.create(small) as lake:
        yield lake


def plan(lake: Lake, run_id: str = "run-9", **asked) -> tuple[Plan, pl.DataFrame]:
    asked = {"recipe_fingerprint": RECIPE, "teacher_fingerprint": TEACHER, "draws": 1, **asked}
    made = plan_draws(lake, run_id, **asked)
    files = [lake.storage.url(path) for path in lake.storage.files(made.folder)]
    return made, pl.concat([pl.read_parquet(file, use_pyarrow=True) for file in files])


def numbers(frame: pl.DataFrame) -> set[int]:
    known = {item(n).item_id: n for n in range(20)}
    return {known[item_id] for item_id in frame["item_id"]}


def test_plan_when_lake_is_new_then_each_item_and_draw_is_planned_once_with_the_whole_item(lake):
    items = [item(n, domain="hills", meta={"level": "3"}) for n in range(5)]
    land_items(lake, items)
    made, frame = plan(lake, draws=3)
    assert (made.pending, made.wanted, made.since) == (15, 15, 1)
    assert sorted(frame["slot"]) == list(range(15))
    assert frame.group_by("item_id").agg(pl.col("draw").sort())["draw"].to_list() == [[0, 1, 2]] * 5
    first = frame.filter(pl.col("draw") == 0).to_arrow().select(SCHEMAS["items"].names)
    read = from_table(Item, first.cast(SCHEMAS["items"]))
    assert sorted(read, key=lambda i: i.item_id) == sorted(items, key=lambda i: i.item_id)


def test_plan_when_draws_are_done_or_dropped_then_only_the_others_are_planned(small_writer):
    made, frame = plan(small_writer, where="kind = 'document'", draws=2)
    assert (made.pending, made.wanted) == (6, 12)
    assert frame["draw"].unique().to_list() == [1]
    assert numbers(frame) == set(range(6))


def test_plan_when_everything_is_done_then_it_is_empty(small_writer):
    made, frame = plan(small_writer, where="kind = 'document'")
    assert (made.pending, made.wanted, frame.height) == (0, 6, 0)


@pytest.mark.parametrize("other", ["recipe_fingerprint", "teacher_fingerprint"])
def test_plan_when_recipe_or_teacher_differs_then_all_is_to_be_done(small_writer, other):
    made, _ = plan(small_writer, **{other: "another"})
    assert made.pending == 8


def test_plan_when_drops_are_to_be_redone_then_those_of_the_named_reasons_come_back(lake):
    land_items(lake, [item(n) for n in range(4)])
    rows = [trace(0), drop(1, reason="length"), drop(2, reason="teacher_error")]
    committer(lake).commit(draws_shard(lake.settings, rows, [0, 1, 2]))
    assert numbers(plan(lake, "run-2")[1]) == {3}
    assert numbers(plan(lake, "run-3", redo=["teacher_error"])[1]) == {2, 3}
    assert numbers(plan(lake, "run-4", redo=["teacher_error", "length"])[1]) == {1, 2, 3}


def test_plan_when_a_draw_was_dropped_twice_then_its_newest_reason_counts(lake):
    land_items(lake, [item(0)])
    for run_id, reason in (("run-1", "timeout"), ("run-2", "teacher_error")):
        failed = drop(0, run_id=run_id, reason=reason)
        committer(lake, run_id).commit(draws_shard(lake.settings, [failed], [0]))
    assert plan(lake, "run-3", redo=["timeout"])[0].pending == 0
    assert plan(lake, "run-4", redo=["teacher_error"])[0].pending == 1


def test_plan_when_sources_are_named_then_shared_items_count_and_others_do_not(small_writer):
    land_items(small_writer, [item(0), item(1), item(9)], source="mirror")
    done = {"recipe_fingerprint": "another"}
    assert numbers(plan(small_writer, "run-2", sources=["mirror"], **done)[1]) == {0, 1, 9}
    assert plan(small_writer, "run-3", sources=["problems"], **done)[0].pending == 2
    assert plan(small_writer, "run-4", sources=["problems", "mirror"], **done)[0].pending == 5
    assert plan(small_writer, "run-5", sources=["nobody"], **done)[0].pending == 0


def test_plan_when_items_are_capped_then_a_repeat_is_the_same_and_a_larger_cap_extends_it(lake):
    land_items(lake, [item(n) for n in range(12)])
    three = numbers(plan(lake, "run-2", max_items=3)[1])
    assert numbers(plan(lake, "run-3", max_items=3)[1]) == three
    five = numbers(plan(lake, "run-4", max_items=5)[1])
    assert (len(three), len(five)) == (3, 5)
    assert three < five
    done = [trace(n) for n in sorted(three)]
    committer(lake).commit(draws_shard(lake.settings, done, range(3)))
    made, frame = plan(lake, "run-5", max_items=5, draws=2)
    assert (made.pending, made.wanted) == (7, 10)
    assert numbers(frame.filter(pl.col("draw") == 0)) == five - three


def test_plan_when_made_again_under_one_run_id_then_it_replaces_the_first(lake):
    land_items(lake, [item(n) for n in range(4)])
    plan(lake, "run-2")
    made, frame = plan(lake, "run-2", max_items=1)
    assert made.pending == frame.height == 1


@pytest.mark.parametrize(
    "where",
    [
        "colour = 'red'",
        "kind = ",
        "text LIKE 'a",
        "kind = 'document' -- the rest is swallowed",
        "CAST(kind AS INTEGER) = 1",
        "count(*) > 1",
        "kind = $unknown",
    ],
)
def test_plan_when_the_predicate_is_wrong_then_one_line_quotes_it(small_writer, where):
    with pytest.raises(ConfigError) as refused:
        plan(small_writer, where=where)
    message = str(refused.value)
    assert repr(where) in message
    assert len(message.splitlines()) == 1
    assert small_writer.storage.files("plans") == {}

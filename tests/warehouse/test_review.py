"""Planning and landing reviews: resumed, repeated, two at once, killed in between."""

from __future__ import annotations

import signal
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest

from tests.grading import attempt, land, problem, review, verdict
from tests.lakes import item, land_items
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import GoldCheck, Label, Score, Verdict
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.commit import Committer, newest_entry
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.plan import Plan, plan_gold, plan_review
from thoughtmill.warehouse.shards import write_gold_checks, write_review

ASKED = problem(6)
TRACES = [attempt(ASKED, draw) for draw in range(4)]
IDS = sorted(t.trace_id for t in TRACES)


@pytest.fixture
def drawn(lake):
    land(lake, [ASKED], TRACES)
    return lake


def planned(lake: Lake, plan: Plan) -> pl.DataFrame:
    files = [lake.storage.url(path) for path in lake.storage.files(plan.folder)]
    return pl.concat([pl.read_parquet(file, use_pyarrow=True) for file in files])


def pending(lake: Lake, lane: str, run_id: str = "run-9", **asked) -> list[str]:
    plan = plan_review(lake, run_id, review=lane, **asked)
    frame = planned(lake, plan)
    assert plan.pending == frame.height
    return sorted(frame["trace"].struct.field("trace_id")) if plan.pending else []


def test_plan_when_nothing_is_reviewed_then_each_trace_comes_with_its_item(drawn):
    frame = planned(drawn, plan_review(drawn, "run-9", review="review/one"))
    assert sorted(frame["slot"]) == [0, 1, 2, 3]
    assert sorted(frame["trace"].struct.field("trace_id")) == IDS
    assert set(frame["item"].struct.field("item_id")) == {ASKED.item_id}
    assert frame["verdicts"].list.len().to_list() == [0] * 4


def test_plan_when_a_review_has_been_through_some_then_only_the_others_come_back(drawn):
    review(drawn, TRACES[:2], [verdict(TRACES[0], "correct")])
    assert pending(drawn, "review/one") == sorted(t.trace_id for t in TRACES[2:])
    assert pending(drawn, "review/two") == IDS
    assert pending(drawn, "review/one", where="draw = 3") == [TRACES[3].trace_id]


def test_plan_when_another_review_has_spoken_then_what_it_said_comes_along(drawn):
    one = TRACES[0]
    told = [verdict(one, "undecided"), verdict(one, "correct", by="judge@1", score=0.75)]
    shard = write_review(
        drawn.storage,
        run_id="run-2",
        lane="review/one",
        reviewed=[one.trace_id],
        rows={
            "verdicts": told,
            "scores": [Score(trace_id=one.trace_id, scorer="mine@1", value=1.0)],
            "labels": [
                Label(trace_id=one.trace_id, position=n, labeller="by@1", label="x") for n in (1, 2)
            ],
        },
        slots=[0],
    )
    Committer(drawn, "run-2", "review/one", 1, newest_entry(drawn)).commit(shard)
    frame = planned(drawn, plan_review(drawn, "run-9", review="review/two"))
    rows = {row["trace"]["trace_id"]: row for row in frame.to_dicts()}
    known = rows[one.trace_id]
    assert {(v["verifier"], v["outcome"], v["score"]) for v in known["verdicts"]} == {
        ("exact@2", "undecided", None),
        ("judge@1", "correct", 0.75),
    }
    assert sorted(known["scorers"]) == ["mine@1", "repetition@1"]
    assert known["labellers"] == ["by@1"]


def test_plan_when_the_predicate_is_wrong_then_it_is_quoted(drawn):
    with pytest.raises(ConfigError, match=r"verify\.where: DuckDB refuses 'colour = 1'"):
        plan_review(drawn, "run-9", review="review/one", where="colour = 1")


def test_commit_when_two_reviews_say_the_same_then_it_lands_once_and_both_are_booked(drawn):
    since = newest_entry(drawn)
    first = [verdict(t, "correct") for t in TRACES[:3]]
    second = [verdict(t, "correct") for t in TRACES[1:]]
    more = [verdict(t, "correct", by="judge@1") for t in TRACES[1:]]
    review(drawn, TRACES[:3], first, lane="review/one", run_id="run-2", since=since)
    landed = review(
        drawn, TRACES[1:], [*second, *more], lane="review/two", run_id="run-3", since=since
    )
    assert landed == {"verdicts": 4, "reviewed": 3}
    assert drawn.rows(
        "SELECT verifier, count(*), count(DISTINCT trace_id) FROM verdicts GROUP BY 1 ORDER BY 1"
    ) == [
        ("exact@2", 4, 4),
        ("judge@1", 3, 3),
    ]
    assert drawn.rows("SELECT review, count(*) FROM reviewed GROUP BY 1 ORDER BY 1") == [
        ("review/one", 3),
        ("review/two", 3),
    ]


def test_commit_when_one_review_runs_twice_at_once_then_each_trace_is_reviewed_once(drawn):
    since = newest_entry(drawn)
    for run_id, part in (("run-2", TRACES[:3]), ("run-3", TRACES[1:])):
        told = [verdict(t, "correct") for t in part]
        review(drawn, part, told, run_id=run_id, since=since)
    assert drawn.rows("SELECT count(*), count(DISTINCT trace_id) FROM verdicts") == [(4, 4)]
    assert drawn.rows("SELECT count(*), count(DISTINCT trace_id) FROM reviewed") == [(4, 4)]


def write_and_wait(settings: LakeSettings, done: str) -> None:
    """Child process: write a review's shard, say so in a file, and wait to be killed."""
    with Lake.create(settings) as lake:
        write_review(
            lake.storage,
            run_id="run-2",
            lane="review/one",
            reviewed=IDS,
            rows={"verdicts": [verdict(t, "correct") for t in TRACES]},
            slots=range(4),
        )
        Path(done).touch()
        signal.pause()


def test_reviewer_when_killed_between_write_and_commit_then_a_rerun_says_all_once(
    drawn, tmp_path, wait_until
):
    done = tmp_path / "done"
    worker = get_context("spawn").Process(
        target=write_and_wait, args=(drawn.settings, str(done)), daemon=True
    )
    worker.start()
    wait_until(done.exists)
    worker.kill()
    worker.join()
    assert drawn.one("SELECT count(*) FROM verdicts") == 0
    assert pending(drawn, "review/one") == IDS
    landed = review(drawn, TRACES, [verdict(t, "correct") for t in TRACES], run_id="run-3")
    assert landed == {"verdicts": 4, "reviewed": 4}
    assert pending(drawn, "review/one", "run-10") == []
    assert drawn.rows("SELECT count(*), count(DISTINCT trace_id) FROM verdicts") == [(4, 4)]


def test_committer_when_the_same_shard_comes_twice_then_it_lands_once(drawn):
    rows = {"verdicts": [Verdict(trace_id=IDS[0], verifier="v@1", outcome="correct", reason="x")]}
    lane = Committer(drawn, "run-2", "review/one", 1, newest_entry(drawn))
    for _ in range(2):
        shard = write_review(
            drawn.storage,
            run_id="run-2",
            lane="review/one",
            reviewed=IDS[:1],
            rows=rows,
            slots=[0],
        )
        lane.commit(shard)
    assert drawn.one("SELECT count(*) FROM verdicts") == 1


def check_of(asked, outcome: str = "correct") -> GoldCheck:
    return GoldCheck(item_id=asked.item_id, verifier="exact@2", outcome=outcome, reason="number")


def test_gold_plan_when_items_differ_then_those_that_can_be_checked_come_once(lake):
    checkable = [
        problem(0),
        problem(1, reference=None),
        problem(2, meta={"tests": "[]"}),
        item(3, reference="said"),
    ]
    passed_over = [item(4), problem(5, reference=None, meta={"tests": "[]"})]
    land_items(lake, [*checkable, *passed_over], source="problems")
    plan = plan_gold(lake, "run-2", sources=["problems"])
    found = planned(lake, plan)["item"].struct.field("item_id")
    assert set(found) == {one.item_id for one in checkable}
    assert plan_gold(lake, "run-3", sources=["others"]).pending == 0
    shard = write_gold_checks(
        lake.storage,
        run_id="run-2",
        lane="gold",
        checks=[check_of(one) for one in checkable[:2]],
        slots=[0, 1],
    )
    assert shard.outcomes == {"correct": 2}
    Committer(lake, "run-2", "gold", 4, plan.since).commit(shard)
    assert plan_gold(lake, "run-4").pending == 2


def test_gold_commit_when_two_runs_check_at_once_then_an_item_is_checked_once(lake):
    asked = [problem(0), problem(1)]
    land_items(lake, asked, source="problems")
    since = newest_entry(lake)
    for run_id, part in (("run-2", asked), ("run-3", asked[:1])):
        shard = write_gold_checks(
            lake.storage,
            run_id=run_id,
            lane="gold",
            checks=[check_of(one) for one in part],
            slots=range(len(part)),
        )
        Committer(lake, run_id, "gold", len(part), since).commit(shard)
    assert lake.rows("SELECT count(*), count(DISTINCT item_id) FROM gold_checks") == [(2, 2)]


def test_gold_problems_when_some_golds_fail_then_they_are_listed_with_their_text(lake):
    asked = [problem(0), problem(1)]
    land_items(lake, asked, source="problems")
    shard = write_gold_checks(
        lake.storage,
        run_id="run-2",
        lane="gold",
        checks=[check_of(asked[0]), check_of(asked[1], "undecided")],
        slots=[0, 1],
    )
    Committer(lake, "run-2", "gold", 2, newest_entry(lake)).commit(shard)
    assert lake.rows("SELECT item_id, outcome, reference, text FROM gold_problems") == [
        (asked[1].item_id, "undecided", "2", "1 + 1 = ?")
    ]


def test_gold_check_when_it_ran_out_of_time_then_it_is_done_again_and_the_later_one_stands(lake):
    asked = problem(0)
    land_items(lake, [asked], source="problems")
    timed_out = check_of(asked, "undecided").model_copy(update={"reason": "timeout"})
    for run_id, check, problems in (
        ("run-2", timed_out, ["timeout"]),
        ("run-3", timed_out, ["timeout"]),
        ("run-4", check_of(asked), []),
    ):
        plan = plan_gold(lake, run_id)
        assert plan.pending == 1
        shard = write_gold_checks(
            lake.storage, run_id=run_id, lane="gold", checks=[check], slots=[0]
        )
        Committer(lake, run_id, "gold", 1, plan.since).commit(shard)
        assert [r for (r,) in lake.rows("SELECT reason FROM gold_problems")] == problems
    assert plan_gold(lake, "run-5").pending == 0

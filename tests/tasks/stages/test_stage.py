"""How a stage ends: with all its rows, past its budget, or telling what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lakes import committer, draws_shard, drop, trace
from thoughtmill.schemas.errors import BudgetSpent, RowsMissing
from thoughtmill.schemas.manifest import Manifest
from thoughtmill.tasks.runtime.interrupt import Interrupt
from thoughtmill.tasks.stages.stage import ErrorBudget, Stage


def slots(count: int) -> bytes:
    return np.arange(count, dtype="<i8").tobytes()


def shard(rows: int, **fields) -> Manifest:
    return Manifest(shard_id="s", run_id="r", lane="l", files=(), slots=slots(rows), **fields)


def stage(lake) -> Stage:
    return Stage(lake, "run-1", "synthesize", Interrupt())


def test_land_when_planned_rows_never_come_then_it_fails_and_says_how_many(lake):
    shards = [draws_shard(lake.settings, [trace(0), drop(1)], [0, 1]), None]
    with pytest.raises(RowsMissing, match=r"synthesize ended with 3 of 5 planned rows missing"):
        stage(lake).land(iter(shards), committer(lake, planned=5))
    assert lake.one("SELECT count(*) FROM traces") == 1


def test_land_when_it_was_asked_to_stop_or_rows_stay_open_then_they_are_not_missing(lake):
    stopped = stage(lake)
    stopped.interrupt.handle(2, None)
    stopped.land(iter([draws_shard(lake.settings, [trace(0)], [0])]), committer(lake, planned=5))
    assert stopped.summary().pending == 4
    rest = draws_shard(lake.settings, [trace(n) for n in range(1, 4)], range(3))
    unanswered = rest.model_copy(update={"unfinished": np.array([3, 4], "<i8").tobytes()})
    stage(lake).land(iter([unanswered]), committer(lake, planned=5))


def test_land_when_the_error_budget_is_spent_then_what_is_finished_still_lands(lake):
    work = stage(lake)
    ending = work.ending()
    asked = []

    def shards():
        failed = [drop(n, reason="teacher_error") for n in range(30)]
        yield draws_shard(lake.settings, failed, range(30))
        asked.append(ending())
        yield draws_shard(lake.settings, [trace(n) for n in range(30, 50)], range(30, 50))

    with pytest.raises(BudgetSpent, match="30 of the latest 30 draws failed"):
        work.land(shards(), committer(lake, planned=100), error_budget=0.05)
    assert asked == [True]
    assert lake.one("SELECT count(*) FROM traces") == 20


@pytest.mark.parametrize("reason", ["teacher_error", "timeout", "recipe_error"])
def test_budget_when_a_long_run_begins_to_fail_then_it_is_spent_after_a_window_not_a_share(reason):
    budget = ErrorBudget(0.05, 100_000_000)
    for _ in range(5_000):
        assert budget.add(shard(1000, drops={reason: 40})) is None
    burnt = 0
    while budget.add(shard(1000, drops={reason: 1000})) is None:
        burnt += 1
    assert burnt <= 1


def test_budget_when_a_plan_is_short_then_it_is_a_share_of_it():
    budget = ErrorBudget(0.05, 1000)
    assert budget.add(shard(600, drops={"timeout": 49, "length": 300})) is None
    assert isinstance(budget.add(shard(10, drops={"timeout": 1})), BudgetSpent)

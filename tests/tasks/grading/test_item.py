"""One item's rounds, with draws that are scripted: no engine, real verifiers."""

from __future__ import annotations

import asyncio

import pytest

from tests.lakes import drop, trace
from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.schemas.teachers import ScriptedTeacher
from thoughtmill.tasks.grading.item import Grader
from thoughtmill.tasks.grading.settings import GradeSettings
from thoughtmill.tasks.recipes import Solve
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.synthesis.worker import lane_of
from thoughtmill.tasks.teachers import start

RIGHT, WRONG, NOTHING = "\\boxed{13}", "\\boxed{14}", None
SUM = Item(item_id="sum", kind="problem", text="6 + 7 = ?", reference="13", source="sums")


class Script:
    """Gives the n-th draw what stands at n, again from the start at the end; keeps the numbers."""

    def __init__(self, *said: str | None, reason: str = "length") -> None:
        self._said, self._reason = said, reason
        self.numbers: list[int] = []

    async def __call__(self, number: int):
        self.numbers.append(number)
        said = self._said[number % len(self._said)]
        if said is None:
            return [drop(0, number, reason=self._reason)]
        teacher = start(ScriptedTeacher(replies=(said,)))
        lane = lane_of("run-1", Solve(), teacher.identity)
        return await Solve()(SUM, Kit(teacher, lane, "sum", number, f"trace-{number}"))


@pytest.fixture(scope="module")
def grader() -> Grader:
    return Grader(GradeSettings())


def rows_of(grader: Grader, script: Script, done=None, item: Item = SUM) -> list:
    return asyncio.run(grader.grade(item, done or {}, script))


def test_grade_when_all_draws_pass_then_it_stops_early_with_a_verdict_a_draw(grader):
    script = Script(RIGHT)
    rows = rows_of(grader, script)
    assert script.numbers == list(range(len(script.numbers)))
    assert 3 <= len(script.numbers) <= 8
    traces = [row for row in rows if isinstance(row, Trace)]
    verdicts = [row for row in rows if not isinstance(row, Trace)]
    assert {t.trace_id for t in traces} == {v.trace_id for v in verdicts}
    assert {v.outcome for v in verdicts} == {"correct"}


def test_grade_when_draws_pass_at_the_edge_of_a_band_then_all_k_are_made(grader):
    script = Script(RIGHT, RIGHT, RIGHT, WRONG)
    rows_of(grader, script)
    assert len(script.numbers) > 12


def test_grade_when_draws_are_cut_off_then_they_count_as_incorrect(grader):
    script = Script(NOTHING)
    rows = rows_of(grader, script)
    assert len(rows) == len(script.numbers) <= 8
    assert len(script.numbers) == len(rows_of(grader, Script(WRONG))) // 2


def test_grade_when_drops_count_as_undecided_then_an_item_of_drops_is_given_up():
    grader = Grader(GradeSettings(drops_count_as="undecided", give_up=4))
    script = Script(NOTHING)
    rows_of(grader, script)
    assert 4 <= len(script.numbers) < 16


def test_grade_when_draws_fail_by_an_error_then_they_count_neither_way(grader):
    script = Script(RIGHT, NOTHING, RIGHT, NOTHING, reason="teacher_error")
    rows_of(grader, script)
    outcomes = {n: "correct" if n % 2 == 0 else "undecided" for n in script.numbers}
    assert grader.next_draws(outcomes) == []
    assert len(script.numbers) < 16


def test_grade_when_some_draws_are_in_the_lake_then_it_goes_on_from_there(grader):
    script = Script(RIGHT)
    rows_of(grader, script, {0: "correct", 1: "correct", 3: "correct"})
    assert script.numbers[0] == 2
    assert 3 not in script.numbers
    assert len(script.numbers) + 3 == len(rows_of(grader, Script(RIGHT))) // 2


def test_grade_when_nobody_can_judge_then_the_verdict_says_so_and_it_is_given_up(grader):
    script = Script(RIGHT)
    coding = SUM.model_copy(update={"meta": {"tests": "[]"}})
    rows = rows_of(grader, script, item=coding)
    assert 4 <= len(script.numbers) < 16
    assert {r.reason for r in rows if not isinstance(r, Trace)} == {"no_verifier"}


def test_grade_when_cancelled_then_the_finished_draws_are_handed_in(grader):
    class Stuck(Script):
        async def __call__(self, number: int):
            if number >= 2:
                await asyncio.Event().wait()
            return await super().__call__(number)

    async def cancelled(script: Script) -> list:
        work = asyncio.create_task(grader.grade(SUM, {}, script))
        stuck = len(grader.next_draws({})) - 2
        while len(script.numbers) < 2 or len(asyncio.all_tasks()) > stuck + 2:
            await asyncio.sleep(0.01)
        work.cancel()
        return await work

    rows = asyncio.run(cancelled(Stuck(RIGHT)))
    assert [row.draw for row in rows if isinstance(row, Trace)] == [0, 1]
    assert len(rows) == 4


def test_grade_when_cancelled_before_any_draw_ends_then_there_is_nothing_to_hand_in(grader):
    async def stuck(number: int):
        await asyncio.Event().wait()

    async def cancelled() -> list:
        work = asyncio.create_task(grader.grade(SUM, {}, stuck))
        await asyncio.sleep(0)
        work.cancel()
        return await work

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_grade_when_a_recipe_tries_again_then_the_first_attempt_is_the_draw(grader):
    async def tries(number: int):
        first = trace(0, number, trace_id=f"a{number}", answer="14")
        again = trace(0, number, trace_id=f"b{number}", answer="13", parent_trace_id=f"a{number}")
        return [again, first]

    rows = asyncio.run(grader.grade(SUM, {}, tries))
    judged = [row for row in rows if not isinstance(row, Trace)]
    assert all(row.trace_id.startswith("a") and row.outcome == "incorrect" for row in judged)

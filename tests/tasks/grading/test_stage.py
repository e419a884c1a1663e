"""The driver's side of grading, on lakes whose draws are written by hand."""

from __future__ import annotations

import orjson
import polars as pl
import pytest

from tests.lakes import LANE, RECIPE, TEACHER, committer, drop, item, land_items, trace
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Verdict
from thoughtmill.tasks.grading.item import FAILURES
from thoughtmill.tasks.grading.settings import GradeSettings
from thoughtmill.tasks.grading.stage import Grading
from thoughtmill.tasks.recipes.context import Lane
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.runs import begin_run
from thoughtmill.warehouse.shards import write_draws

SUMS = [item(n, kind="problem", text="7 + 6 = ?", reference="13") for n in range(6)]
THE_LANE = Lane(
    run_id="run-9",
    recipe="thinking",
    recipe_fingerprint=RECIPE,
    teacher="pico",
    teacher_revision="r1",
    teacher_fingerprint=TEACHER,
    sampling={},
)


def verdict(row, outcome: str) -> Verdict:
    return Verdict(trace_id=row.trace_id, verifier="exact@2", outcome=outcome, reason="number")


def drawn(number: int, draw: int, outcome: str | None):
    """Rows of one draw: a trace with its verdict, or a drop whose reason `outcome` is."""
    if outcome not in (None, "correct", "incorrect", "undecided"):
        row = drop(number, draw, reason=outcome)
        return [
            row.model_copy(update={"item_id": SUMS[number].item_id, "trace_id": f"{number}-{draw}"})
        ]
    row = trace(
        number,
        draw,
        item_id=SUMS[number].item_id,
        trace_id=f"{number}-{draw}",
        meta={"claim": "answers"},
    )
    return [row] if outcome is None else [row, verdict(row, outcome)]


def land(lake: Lake, *items: list[str | None]) -> None:
    """Draws of the first items, in order: their outcomes."""
    rows = [
        row
        for number, outcomes in enumerate(items)
        for draw, outcome in enumerate(outcomes)
        for row in drawn(number, draw, outcome)
    ]
    shard = write_draws(
        lake.storage, run_id="run-1", lane=LANE, ended=rows, scores=(), slots=range(1)
    )
    committer(lake).commit(shard)


@pytest.fixture
def sums(lake: Lake) -> Lake:
    land_items(lake, SUMS)
    return lake


def grading(lake: Lake, settings: GradeSettings | None = None, **scope) -> Grading:
    return Grading.of(lake, settings or GradeSettings(), THE_LANE, **scope)


def planned(lake: Lake, settings: GradeSettings | None = None, **scope) -> dict[int, list]:
    """Items of the plan by number, and their draws so far."""
    plan = grading(lake, settings, **scope).plan("run-9")
    files = [lake.storage.url(path) for path in lake.storage.files(plan.folder)]
    frame = pl.concat([pl.read_parquet(file, use_pyarrow=True) for file in files])
    assert sorted(frame["slot"]) == list(range(plan.pending))
    numbers = {one.item_id: n for n, one in enumerate(SUMS)}
    return {
        numbers[row["item_id"]]: [(d["draw"], d["outcome"]) for d in row["done"]]
        for row in frame.iter_rows(named=True)
    }


def test_plan_when_nothing_is_drawn_then_every_item_is_planned_without_draws(sums):
    assert planned(sums) == {n: [] for n in range(6)}


def test_plan_when_bands_are_settled_then_only_the_other_items_are_planned(sums):
    land(sums, ["correct"] * 8, ["incorrect"] * 8, ["correct", "incorrect"])
    assert planned(sums) == {2: [(0, "correct"), (1, "incorrect")], 3: [], 4: [], 5: []}


def test_plan_when_draws_were_dropped_then_they_count_as_the_settings_say(sums):
    land(sums, ["length"] * 8, ["teacher_error", "correct"])
    assert planned(sums)[1] == [(0, "undecided"), (1, "correct")]
    assert 0 not in planned(sums)
    undecided = GradeSettings(drops_count_as="undecided", give_up=16)
    assert planned(sums, undecided)[0] == [(n, "undecided") for n in range(8)]


def test_plan_when_a_reason_is_redone_then_its_draws_are_not_there(sums):
    land(sums, ["teacher_error", "correct"])
    assert planned(sums, redo=["teacher_error"])[0] == [(1, "correct")]


def test_plan_when_draws_lie_beyond_k_then_they_do_not_count(sums):
    land(sums, ["correct"] * 2 + ["incorrect"] * 14)
    assert grading(sums).figures("pico").bands == {"hard": 1}
    told = grading(sums, GradeSettings(k=2)).figures("pico")
    assert (told.bands, told.draws) == ({"easy": 1}, 2)


def test_plan_when_another_teacher_drew_then_its_draws_do_not_count(sums):
    land(sums, ["correct"] * 16)
    other = Lane(**{**THE_LANE.__dict__, "teacher_fingerprint": "another"})
    assert Grading.of(sums, GradeSettings(), other).plan("run-9").pending == 6


def test_plan_when_items_are_chosen_then_the_others_are_left_alone(sums):
    assert len(planned(sums, max_items=2)) == 2
    assert planned(sums, where=f"item_id = '{SUMS[4].item_id}'") == {4: []}
    assert planned(sums, sources=["elsewhere"]) == {}
    with pytest.raises(ConfigError, match="items: DuckDB refuses 'no_such'"):
        grading(sums, where="no_such").plan("run-9")


def test_unjudged_when_traces_have_no_verdict_then_their_items_are_counted(sums):
    land(sums, ["correct", None], [None])
    found = grading(sums)
    assert found.unjudged == 2
    ids = sums.rows(f"SELECT trace_id FROM thoughts WHERE {found.unjudged_traces} ORDER BY 1")
    assert ids == [("0-1",), ("1-0",)]


def test_figures_when_some_items_are_settled_then_they_tell_bands_tokens_and_what_k_would_cost(
    sums,
):
    land(sums, ["correct"] * 8, ["incorrect"] * 8, ["correct", "incorrect"], ["timeout"] * 4)
    told = grading(sums).figures("pico")
    assert (told.items, told.settled, told.unsettled) == (6, 3, 3)
    assert told.bands == {"hard": 1, "easy": 1, "undecided": 1}
    assert told.draws == 20
    assert told.tokens == 8 * 20 + 8 * 21 + 4 * 9
    assert told.tokens_at_k == 16 * (20 + 21 + 9)
    assert told.saved == pytest.approx(1 - told.tokens / told.tokens_at_k)


def test_population_when_the_lake_has_few_items_then_none_is_fitted(sums):
    land(sums, ["correct"] * 8)
    assert grading(sums, GradeSettings(population="lake")).population is None


def test_report_when_a_grading_is_in_the_books_then_it_tells_bands_and_savings(sums):
    settings = GradeSettings().model_dump(mode="json")
    config = {
        "teacher": {"model": "pico"},
        "grade": {**settings, "failures": FAILURES},
        "recipe_fingerprint": RECIPE,
        "teacher_fingerprint": TEACHER,
    }
    begin_run(sums, "run-9", name="g", stage="grade", config=orjson.dumps(config).decode())
    land(sums, ["correct"] * 8, ["length"] * 8, ["correct", "incorrect"], ["timeout"] * 4)
    rows = sums.rows("SELECT band, items, draws, pass_rate, tokens, saved FROM grading_report")
    assert sorted(rows) == [
        ("easy", 1, 8, 1.0, 160, 0.5),
        ("hard", 1, 8, 0.0, 72, 0.5),
        ("medium", 1, 2, 0.5, 44, 0.875),
        ("undecided", 1, 4, None, 36, 0.75),
    ]

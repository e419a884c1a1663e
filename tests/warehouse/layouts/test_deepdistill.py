from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.grading import attempt, land, problem, review, verdict
from thoughtmill.schemas.rows import Score
from thoughtmill.warehouse.commit import Committer, newest_entry
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.layouts.deepdistill import DeepDistill
from thoughtmill.warehouse.shards import write_review

TEACHERS = ("small", "middle", "large")


def scored(lake: Lake, scores: list[Score]) -> None:
    shard = write_review(
        lake.storage,
        run_id="run-3",
        lane="review/scores",
        reviewed=[score.trace_id for score in scores],
        rows={"scores": scores},
        slots=range(len(scores)),
    )
    since = newest_entry(lake)
    Committer(lake, "run-3", "review/scores", len(scores), since).commit(shard)


@pytest.fixture
def drawn(lake):
    """A problem and, by teacher from weak to strong, 1, 2 and 4 passes of 4."""
    asked = problem(6, meta={"tests": '["assert f(1) == 2"]'})
    traces = [attempt(asked, draw, teacher=who, name=who) for who in TEACHERS for draw in range(4)]
    land(lake, [asked], traces)
    passes = dict(zip(TEACHERS, (1, 2, 4), strict=True))
    review(
        lake,
        traces,
        [
            verdict(t, "correct" if t.draw < passes[t.provenance.teacher] else "incorrect")
            for t in traces
        ],
    )
    by = 'perplexity@1{"teacher":"large@77"}'
    scored(lake, [Score(trace_id=traces[0].trace_id, scorer=by, value=3.5)])
    lake.connection.execute(
        "CREATE TEMP TABLE chosen AS SELECT row_number() OVER (ORDER BY trace_id) AS position, "
        "trace_id FROM traces"
    )
    return lake, traces


def rows(lake: Lake, layout: DeepDistill) -> list[dict]:
    found = lake.connection.sql(layout.query(), params=layout.parameters())
    return found.to_arrow_table().to_pylist()


def test_layout_when_three_teachers_are_named_then_the_columns_are_the_papers(drawn):
    lake, traces = drawn
    found = rows(lake, DeepDistill(teachers=TEACHERS))
    assert [row["trace_id"] for row in found] == sorted(t.trace_id for t in traces)
    row = next(row for row in found if row["trace_id"] == traces[0].trace_id)
    assert list(row) == [
        "question",
        "answer",
        "question_source",
        "answer_source",
        "category",
        "ground_truth",
        "test_case",
        "instruction_constrain",
        "pass_rate_r1",
        "pass_rate_7b",
        "pass_rate_1.5b",
        "verify_score",
        "ppl",
        "model_name",
        "item_id",
        "trace_id",
    ]
    assert set(row) <= set(DeepDistill.fields)
    assert row["answer"] == (
        "<think>\nLet me count.\n</think>\n\n<answer>\nSo \\boxed{7}\n</answer>"
    )
    assert (row["pass_rate_1.5b"], row["pass_rate_7b"], row["pass_rate_r1"]) == (0.25, 0.5, 1.0)
    assert (row["verify_score"], row["ppl"], row["category"]) == (1.0, 3.5, "code")
    assert row["test_case"] == '["assert f(1) == 2"]'
    assert row["instruction_constrain"] is None


def test_layout_when_other_numbers_of_teachers_are_named_then_columns_go_by_rank_or_in_a_map(drawn):
    lake, _ = drawn
    two = rows(lake, DeepDistill(teachers=("small", "o'neill")))[0]
    assert (two["pass_rate_1"], two["pass_rate_2"]) == (0.25, None)
    assert dict(rows(lake, DeepDistill())[0]["pass_rates"]) == {
        "large": 1.0,
        "middle": 0.5,
        "small": 0.25,
    }


def test_layout_when_another_teachers_perplexity_is_asked_for_then_there_is_none(drawn):
    lake, _ = drawn
    assert {row["ppl"] for row in rows(lake, DeepDistill(ppl_teacher="small"))} == {None}
    assert {row["ppl"] for row in rows(lake, DeepDistill(ppl_teacher="large"))} == {None, 3.5}


def test_layout_when_a_teacher_is_named_twice_then_it_is_refused():
    with pytest.raises(ValidationError, match="each teacher once"):
        DeepDistill(teachers=("a", "a"))

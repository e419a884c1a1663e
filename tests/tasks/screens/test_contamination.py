"""Decontamination against benchmarks written for the purpose."""

from __future__ import annotations

import json

import polars as pl
import pytest

from tests.screening import batch, details, reasons
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.screens import Contamination
from thoughtmill.tasks.sources import JsonlSource, ParquetSource

TRAIN = (
    "A train leaves the harbour at noon and travels west at forty kilometres an hour; a second "
    "train leaves an hour later at sixty. After how many hours does the second one catch up?"
)
SHORT = "Find the sum of all even primes below one hundred."
TANK = (
    "A tank holds 90 litres. A pump fills it at 6 litres a minute while a leak drains 1 litre a "
    "minute. How many minutes until the tank is full?"
)
PROOF = (
    "Suppose the root were rational, write it in lowest terms, square both sides, and see that "
    "both numbers must then be even, which cannot be."
)
REWORDED = (
    "A train leaves the station at noon and travels east at forty miles an hour; a second train "
    "leaves an hour later at seventy. After how many hours will the second one catch up?"
)

REFILLED = (
    "A barrel holds 120 litres. A tap fills it at 8 litres a minute while a leak drains 3 litres a "
    "minute. How many minutes until the barrel is full?"
)


@pytest.fixture
def benchmark(tmp_path):
    path = tmp_path / "exam.jsonl"
    rows = [{"q": TRAIN, "a": "2"}, {"q": SHORT, "a": "2"}, {"q": TANK, "a": "18"}]
    rows.append({"q": "Prove that the root of two is irrational, if you can.", "a": PROOF})
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return JsonlSource(path=str(path), item_kind="problem", fields={"text": "q", "reference": "a"})


def test_contamination_when_a_share_is_asked_for_then_it_is_that_of_one_text(tmp_path):
    path = tmp_path / "exam.jsonl"
    words = " ".join(f"step{n}" for n in range(200))
    path.write_text(json.dumps({"q": TRAIN, "a": f"First {words}"}))
    exam = JsonlSource(path=str(path), item_kind="problem", fields={"text": "q", "reference": "a"})
    screen = Contamination(benchmarks=(exam,), overlap=0.9, edit_similarity=None)
    assert reasons(screen.judge(batch([{"text": TRAIN}]))) == {"t0": "benchmark_quoted"}


CASES = [
    ({"text": TRAIN}, "benchmark_quoted", "exam.jsonl:1 13-gram share 1.00"),
    ({"text": TRAIN.upper().replace(" ", "\n")}, "benchmark_quoted", "exam.jsonl:1 13-gram"),
    ({"text": f"Read this. {TANK} {'And more. ' * 200}"}, "benchmark_quoted", "exam.jsonl:3"),
    ({"thought": f"I remember it: {TANK} It was on a test."}, "benchmark_quoted", "exam.jsonl:3"),
    ({"answer": PROOF}, "benchmark_quoted", "exam.jsonl:4"),
    ({"text": REWORDED}, "benchmark_reworded", "exam.jsonl:1 edit similarity 0.9"),
    ({"text": REFILLED}, "benchmark_reworded", "exam.jsonl:3 edit similarity 0.9"),
    ({"text": SHORT}, "benchmark_quoted", "exam.jsonl:2 10-gram share 1.00"),
    ({"thought": f"So: {SHORT} That is easy."}, "benchmark_quoted", "exam.jsonl:2"),
    ({"text": "A boat leaves the harbour at noon. After how many hours is it back?"}, None, ""),
    ({"text": "2"}, None, ""),
    ({"answer": "18"}, None, ""),
    ({"text": ""}, None, ""),
]


@pytest.mark.parametrize(("row", "reason", "detail"), CASES)
def test_contamination_when_a_row_holds_a_benchmark_then_its_row_is_named(
    benchmark, row, reason, detail
):
    found = Contamination(benchmarks=(benchmark,)).judge(batch([{}, row]))
    assert reasons(found) == ({"t1": reason} if reason else {})
    if reason:
        assert details(found)["t1"].startswith(detail)


def test_contamination_when_the_tests_are_set_apart_then_each_has_its_own_reach(benchmark):
    rows = batch([{"text": REWORDED}, {"thought": f"Recall: {TANK} So."}, {"text": TRAIN}])
    quoted = Contamination(benchmarks=(benchmark,), edit_similarity=None)
    assert set(reasons(quoted.judge(rows))) == {"t1", "t2"}
    edited = Contamination(benchmarks=(benchmark,), ngram=None)
    assert set(reasons(edited.judge(rows))) == {"t0", "t2"}
    assert set(reasons(Contamination(benchmarks=(benchmark,), parts=("item",)).judge(rows))) == {
        "t0",
        "t2",
    }


def test_contamination_when_a_large_overlap_is_asked_for_then_one_shared_phrase_passes(benchmark):
    phrase = " ".join(TRAIN.split()[:14])
    rows = batch([{"thought": f"It begins: {phrase} and so on."}, {"thought": TRAIN}])
    assert set(reasons(Contamination(benchmarks=(benchmark,)).judge(rows))) == {"t0", "t1"}
    strict = Contamination(benchmarks=(benchmark,), overlap=0.5)
    assert reasons(strict.judge(rows)) == {"t1": "benchmark_quoted"}


def test_contamination_when_the_benchmark_moves_or_changes_then_its_name_tells(benchmark, tmp_path):
    text = (tmp_path / "exam.jsonl").read_text()
    moved, other = tmp_path / "moved.jsonl", tmp_path / "other.jsonl"
    moved.write_text(text)
    other.write_text(text.replace("sixty", "ninety"))
    here, there, changed = (
        Contamination(benchmarks=(benchmark.model_copy(update={"path": str(path)}),)).name
        for path in (tmp_path / "exam.jsonl", moved, other)
    )
    assert here == there
    assert here != changed
    assert str(tmp_path) not in here


def test_contamination_when_parquet_is_named_then_its_rows_are_guarded(tmp_path):
    path = tmp_path / "exam.parquet"
    pl.DataFrame({"problem": ["filler", TANK], "gt": ["1", "18"]}).write_parquet(path)
    source = ParquetSource(path=str(path), fields={"text": "problem", "reference": "gt"})
    found = Contamination(benchmarks=(source,)).judge(batch([{"text": TANK}]))
    assert details(found) == {"t0": "exam.parquet:2 13-gram share 1.00"}


@pytest.mark.parametrize(
    ("line", "says"),
    [("", "no rows"), ('{"q": "fine", "a": "1"}\n{"a": "no question"}', "exam.jsonl:2 can't be")],
)
def test_contamination_when_a_benchmark_row_is_broken_then_nothing_is_guarded_by_halves(
    benchmark, line, says
):
    with open(benchmark.path, "w") as file:
        file.write(line)
    with pytest.raises(ConfigError, match=says):
        Contamination(benchmarks=(benchmark,)).check()

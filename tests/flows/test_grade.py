"""`thoughtmill run` with `grade:`, on a real Ray and Prefect; the teacher is scripted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import duckdb
import pytest
import yaml

from thoughtmill.flows.config import load_config
from thoughtmill.schemas.errors import ConfigError, ThoughtmillError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.tasks.grading.settings import GradeSettings
from thoughtmill.tasks.grading.stopping_rule import SequentialTest
from thoughtmill.warehouse.lake import Lake

ROOT = Path(__file__).parents[2]
K = 16
# A reply in four is 1, two in four are 2; none is 3 and every reply holds a box.
REPLIES = [f"<think>\nLet me see.\n</think>\n\n\\boxed{{{n}}}" for n in (1, 2, 2, 9)]
ANSWERS = ("1", "2", "3")


@pytest.fixture
def write(tmp_path: Path):
    rows = [
        {"question": f"Problem {n}: which?", "answer": ANSWERS[n % 3], "kind": ANSWERS[n % 3]}
        for n in range(30)
    ]
    (tmp_path / "problems.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = {
        "kind": "jsonl",
        "path": str(tmp_path / "problems.jsonl"),
        "name": "problems",
        "item_kind": "problem",
        "fields": {"text": "question", "reference": "answer"},
    }

    def to_file(*, delay_s: float = 0.0, **changes) -> Path:
        values = {
            "name": "grading",
            "lake": str(tmp_path / "lake"),
            "sources": [source],
            "recipe": {"kind": "solve", "sampling": {"max_tokens": 512}},
            "teacher": {"kind": "scripted", "replies": REPLIES, "delay_s": delay_s},
            "grade": {"k": K},
            "engine": {"flush_seconds": 0.2, "in_flight": 4, "batch_size": 8},
            **changes,
        }
        path = tmp_path / "grade.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in values.items() if v is not None}))
        return path

    return to_file


def test_config_when_draws_and_grade_are_both_given_then_it_says_which_to_remove(write):
    path = write(draws=4)
    with pytest.raises(ConfigError, match=r"grade: `grade.k` is the most draws.*remove `draws`"):
        load_config(path)


def lake_of(config: Path) -> Lake:
    return Lake.open(LakeSettings.model_validate(str(config.parent / "lake")))


def thoughtmill(config: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "thoughtmill.flows.cli.main", "run", str(config), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )


def outcomes(config: Path) -> dict[str, list[str]]:
    """What each item's draws came to, in order; each draw is there once, with one verdict."""
    with lake_of(config) as lake:
        lake.connection.execute("BEGIN")  # one snapshot: the run may be landing shards
        rows = lake.rows(
            "SELECT t.item_id, t.draw, v.outcome FROM traces AS t JOIN verdicts AS v "
            "USING (trace_id) ORDER BY ALL"
        )
        assert len(rows) == lake.one("SELECT count(*) FROM traces")
    found = defaultdict(list)
    for item_id, draw, outcome in rows:
        assert draw == len(found[item_id])
        found[item_id].append(outcome)
    return found


def assert_each_item_stopped_where_the_test_says(found: dict[str, list[str]]) -> None:
    test = SequentialTest(GradeSettings(k=K))
    assert len(found) == 30
    for told in found.values():
        assert test.decide(told.count("correct"), told.count("incorrect"), 0).draws == 0
        rounds = 0
        while more := test.decide(
            told[:rounds].count("correct"), told[:rounds].count("incorrect"), 0
        ).draws:
            rounds += more
        assert rounds == len(told)


@pytest.mark.engine
@pytest.mark.timeout(1500)
def test_grade_when_killed_and_run_again_then_it_goes_on_and_each_item_is_drawn_as_needed(write):
    config = write(delay_s=1.0)
    process = thoughtmill(config)
    try:
        while sum(map(len, _peek(config).values())) < 10:
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    before = _peek(config)
    assert 0 < len(before) < 30
    again = thoughtmill(write())
    said, _ = again.communicate(timeout=600)
    assert again.returncode == 0, said
    assert "30 of 30 items" in said
    assert "FROM grading_report" in said
    found = outcomes(config)
    assert_each_item_stopped_where_the_test_says(found)
    assert all(found[item_id][: len(told)] == told for item_id, told in before.items())
    with lake_of(config) as lake:
        bands = dict(lake.rows("SELECT band, sum(items)::INT FROM grading_report GROUP BY ALL"))
        assert sum(bands.values()) == 30
        assert bands["hard"] >= 10


@pytest.mark.engine
@pytest.mark.timeout(1500)
def test_grade_when_the_token_budget_is_spent_then_it_ends_well_and_says_what_is_left(write):
    config = write(delay_s=0.5, grade={"k": K, "tokens": 1500})
    process = thoughtmill(config)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert "spent; the same command goes on from here" in said
    found = outcomes(config)
    assert 0 < len(found) < 30
    with lake_of(config) as lake:
        tokens = lake.one("SELECT sum(provenance.completion_tokens) FROM traces")
        assert lake.rows("SELECT state FROM runs WHERE stage = 'grade'") == [("done",)]
    assert tokens >= 1500


@pytest.mark.engine
@pytest.mark.timeout(1500)
def test_grade_when_the_lake_holds_draws_that_nobody_judged_then_these_are_judged_and_count(write):
    drawing = thoughtmill(write(grade=None, draws=3))
    said, _ = drawing.communicate(timeout=600)
    assert drawing.returncode == 0, said
    config = write()
    with lake_of(config) as lake:
        drawn = lake.rows("SELECT item_id, draw, trace_id FROM traces ORDER BY ALL")
        assert (len(drawn), lake.one("SELECT count(*) FROM verdicts")) == (90, 0)
    grading = thoughtmill(config)
    said, _ = grading.communicate(timeout=600)
    assert grading.returncode == 0, said
    found = outcomes(config)
    test = SequentialTest(GradeSettings(k=K))
    for told in found.values():
        assert test.decide(told.count("correct"), told.count("incorrect"), 0).draws == 0
    with lake_of(config) as lake:
        kept = lake.rows("SELECT item_id, draw, trace_id FROM traces WHERE draw < 3 ORDER BY ALL")
        assert kept == drawn


def _peek(config: Path) -> dict[str, list[str]]:
    """`outcomes`, and nothing while there is no lake."""
    try:
        return outcomes(config)
    except (ThoughtmillError, duckdb.Error):
        return {}

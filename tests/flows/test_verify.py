"""The line from problems to difficulty on a real Ray, with a teacher that needs no engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from thoughtmill.flows.config import load_config
from thoughtmill.flows.pipeline import pipeline
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.warehouse.lake import Lake

PROBLEMS = [
    {"q": "How many legs has a dog?", "a": "4"},
    {"q": "How many legs has a spider?", "a": "8"},
    {"q": "Name the capital of Peru.", "a": "z" * 6_000},
]
REPLIES = (
    "Legs come in pairs.</think>It has \\boxed{4}.",
    "Insects have six.</think>The answer is 8.0 legs.",
    "I can't tell.</think>\\boxed{10**10**10}",
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    lines = "\n".join(json.dumps(row) for row in PROBLEMS)
    (tmp_path / "problems.jsonl").write_text(lines)
    settings = {
        "name": "graded",
        "lake": str(tmp_path / "lake"),
        "sources": [
            {
                "kind": "jsonl",
                "path": str(tmp_path / "problems.jsonl"),
                "name": "problems",
                "item_kind": "problem",
                "domain": "maths",
                "fields": {"text": "q", "reference": "a"},
            }
        ],
        "recipe": {"kind": "solve"},
        "teacher": {"kind": "scripted", "replies": REPLIES},
        "draws": 6,
        "check_gold": True,
        "skip_bad_gold": True,
        "verify": {
            "scores": [{"kind": "script"}, {"kind": "likelihood"}],
            "teacher": {"kind": "scripted"},
            "categories": {"maths": {"hard_below": 0.9, "easy_above": 0.95}},
            "batch_size": 5,
        },
    }
    path = tmp_path / "graded.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_pipeline_when_problems_are_solved_then_each_trace_is_judged_once_and_a_rerun_adds_nothing(
    config,
):
    first = pipeline(config=config)
    assert first.gold_checked.outcomes == {"correct": 2, "undecided": 1}
    assert first.synthesized.rows["traces"] == 12
    assert first.verified.rows["reviewed"] == 12
    assert sum(first.verified.outcomes.values()) == 12
    with Lake.open(load_config(config).lake) as lake:
        assert lake.rows("SELECT reference, reason FROM gold_problems") == [
            (PROBLEMS[2]["a"], "gold_too_long")
        ]
        verdicts = lake.rows("SELECT trace_id, verifier FROM verdicts")
        assert len(verdicts) == len(set(verdicts))
        assert lake.one("SELECT count(*) FROM judged") == 12
        right = lake.one(
            "SELECT count(*) FROM traces JOIN items USING (item_id) WHERE "
            "segments[3].text LIKE '%4%' AND reference = '4' OR "
            "segments[3].text LIKE '%8.0%' AND reference = '8'"
        )
        assert lake.one("SELECT sum(passes) FROM pass_rates") == right
        assert first.verified.outcomes.get("correct", 0) == right
        assert {band for (band,) in lake.rows("SELECT band FROM difficulty")} == {"hard"}
        scored = lake.rows("SELECT split_part(scorer, '@', 1), count(*) FROM scores GROUP BY 1")
        assert dict(scored) == {
            "repetition": 12,
            "request_talk": 12,
            "script": 12,
            "perplexity": 12,
            "mean_logprob": 12,
        }
    again = pipeline(config=config)
    assert again.verified.rows == again.synthesized.rows == again.gold_checked.rows == {}
    more = pipeline(config=config, overrides=["draws=7", "verify.cascade.recheck=true"])
    assert more.verified.rows["reviewed"] == 14
    with Lake.open(load_config(config).lake) as lake:
        verdicts = lake.rows("SELECT trace_id, verifier FROM verdicts")
        assert len(verdicts) == len(set(verdicts))
        assert lake.rows("SELECT count(*), count(DISTINCT (trace_id, scorer)) FROM scores") == [
            (14 * 5, 14 * 5)
        ]


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("verify.cascade.tiers=[{kind: judge}]", "verify.teacher: missing"),
        ("verify.checkz=[]", "verify.checkz: unknown key; did you mean 'checks'?"),
        ("verify.teacher=nowhere.yaml", "nowhere.yaml"),
    ],
)
def test_config_when_verify_is_wrong_then_one_line_says_where(config, override, told):
    from thoughtmill.flows.config import preflight

    without = ["verify.teacher=null", "verify.scores=[]"]
    with pytest.raises(ConfigError) as refused:
        preflight(load_config(config, [*without, override]))
    assert told in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_config_when_bad_gold_is_to_be_skipped_then_the_predicate_says_so(config):
    assert "gold_problems" in load_config(config).wanted_items
    assert load_config(config, ["skip_bad_gold=false"]).wanted_items == "true"

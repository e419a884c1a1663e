"""`thoughtmill curate` on a lake, as a person calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from thoughtmill.warehouse.lake import Lake

ROOT = Path(__file__).parents[2]


def thoughtmill(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "thoughtmill.flows.cli.main", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path, small) -> Path:
    exam = tmp_path / "exam.jsonl"
    exam.write_text(json.dumps({"text": "Document 2: water runs down the hill, they say."}))
    settings = {
        "name": "screened",
        "lake": {"catalog": small.catalog, "data": small.data},
        "sources": [{"kind": "jsonl", "path": str(exam)}],
        "recipe": {"kind": "thinking"},
        "teacher": {"kind": "scripted"},
        "curate": {
            "screens": [
                {"kind": "length", "least": 21},
                {
                    "kind": "contamination",
                    "edit_similarity": 0.87,
                    "benchmarks": [{"kind": "jsonl", "path": str(exam), "name": "exam"}],
                    "ngram": None,
                },
            ]
        },
    }
    path = tmp_path / "screened.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_curate_when_asked_for_then_the_table_tells_what_each_screen_excluded(config, small):
    done = thoughtmill("curate", str(config))
    assert done.returncode == 0, done.stderr
    assert "too_short" in done.stdout
    assert "benchmark_reworded" in done.stdout
    with Lake.open(small) as lake:
        ((eligible, traces),) = lake.rows(
            "SELECT (SELECT count(*) FROM eligible), (SELECT count(*) FROM traces)"
        )
        assert lake.rows("SELECT state FROM runs WHERE stage = 'curate'") == [("done",)]
        found = lake.rows("SELECT reason, detail FROM exclusions ORDER BY reason")
    assert ("too_short", "20 tokens") in found
    assert all(detail.startswith("exam:1 edit similarity 0.") for _, detail in found[:-1])
    assert f"{eligible} of {traces} traces are eligible" in " ".join(done.stdout.split())


def test_curate_when_the_config_names_no_screens_or_a_missing_benchmark_then_one_line_says_so(
    config, tmp_path
):
    plain = tmp_path / "plain.yaml"
    values = yaml.safe_load(config.read_text())
    plain.write_text(yaml.safe_dump({k: v for k, v in values.items() if k != "curate"}))
    done = thoughtmill("curate", str(plain))
    assert done.returncode == 2
    assert "no section `curate:`" in done.stderr
    (tmp_path / "exam.jsonl").unlink()
    done = thoughtmill("curate", str(config))
    assert done.returncode == 2
    assert "curate: benchmarks.0.path: no file matches" in done.stderr

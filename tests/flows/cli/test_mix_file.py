"""Mix configs, and `thoughtmill mix` and `thoughtmill export` as a person types them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
import yaml

from tests.mixes import mixed_lake
from thoughtmill.flows.cli.export_file import export_settings
from thoughtmill.flows.cli.mix_file import dry, load_mix
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.layouts import Chat

ROOT = Path(__file__).parents[3]
MIXES = sorted((ROOT / "configs" / "mixes").glob("*.yaml"))
GOOD = {
    "name": "tiny",
    "stage": "pretraining",
    "budget": 1_000,
    "components": [
        {"name": "problems", "where": "kind = 'problem'", "weight": 2},
        {"name": "documents", "where": "kind = 'document'", "weight": 1},
    ],
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> LakeSettings:
    return mixed_lake(tmp_path_factory.mktemp("flows") / "lake")


@pytest.fixture
def write(tmp_path: Path):
    """A config file of `GOOD` with top-level changes; None removes a key."""

    def to_file(**changes) -> Path:
        values = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
        (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(values))
        return tmp_path / "tiny.yaml"

    return to_file


def folder_of(source: LakeSettings) -> str:
    return str(Path(source.data).parent)


def thoughtmill(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "thoughtmill.flows.cli.main", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1"},
        check=False,
        timeout=240,
    )


@pytest.mark.parametrize("path", MIXES, ids=lambda path: path.name)
def test_mix_config_when_shipped_then_it_loads_is_short_and_can_be_drawn(
    source, path, capsys, monkeypatch
):
    monkeypatch.chdir(ROOT)
    lines = path.read_text().splitlines()
    assert any(line.startswith("#") and f"configs/mixes/{path.name}" in line for line in lines)
    assert len(lines) < 30
    # The shipped budgets are for a lake of some size; the one here is small.
    small = ["budget=600" if path.stem != "rl" else "budget=10"]
    dry(load_mix(path, small, lake=folder_of(source)))
    printed = capsys.readouterr().out
    assert "at snapshot" in printed
    assert "price: " in printed


def test_mix_config_when_the_command_names_lake_folder_and_snapshot_then_these_count(write):
    config = load_mix(write(lake="a", publish={"folder": "b"}), lake="c", folder="d", snapshot=3)
    assert config.lake == LakeSettings.model_validate("c")
    assert (config.publish.folder, config.publish.snapshot) == ("d", 3)
    assert load_mix(write()).publish.folder == "out/tiny"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budgett": 3}, "budgett: unknown key; did you mean 'budget'?"),
        ({"components": None}, "components: missing; add it"),
        ({"publish": {"folder": "x", "layuot": "chat"}}, "publish.layuot: unknown key"),
        ({"publish": {"layout": {"kind": "chat", "sytem": "x"}}}, "did you mean 'system'?"),
        (
            {"publish": {"layout": "chta"}},
            "publish.layout: unknown kind 'chta'; did you mean 'chat'",
        ),
        ({"stage": "midtraining"}, "stage: must be 'pretraining', 'mid-training'"),
        ({"budget": None}, "give a `budget`"),
    ],
)
def test_mix_config_when_a_key_is_wrong_then_the_error_names_its_path(write, changes, message):
    path = write(**changes)
    with pytest.raises(ConfigError) as refused:
        load_mix(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_mix_command_when_dry_then_the_table_is_whole_and_nothing_is_written(
    source, write, tmp_path
):
    asked = ("mix", str(write()), "--lake", folder_of(source), "--dry-run")
    done = thoughtmill(*asked, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("│")[1:-1] for line in done.stdout.splitlines() if "│" in line]
    assert [row[0].strip() for row in rows] == ["problems", "documents"]
    assert "of 1,000 tokens; price: " in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]
    with Lake.open(source) as lake:
        assert lake.one("SELECT count(*) FROM mixes") == 0


def test_mix_command_when_dry_and_short_then_it_prints_the_table_and_what_to_change(
    source, write, tmp_path
):
    asked = ("mix", str(write()), "--lake", folder_of(source), "--dry-run")
    done = thoughtmill(*asked, "--set", "budget=1000000", cwd=tmp_path)
    assert done.returncode == 2
    assert "documents" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("thoughtmill: components.problems falls short: ")
    assert "lower `budget` to" in line


def test_mix_command_when_run_then_the_folder_loads_and_its_card_draws_it_again(tmp_path, write):
    source = mixed_lake(tmp_path / "lake")
    asked = ("mix", str(write()), "--lake", folder_of(source), "--out", "set")
    done = thoughtmill(*asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = datasets.load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
    first = json.loads((tmp_path / "set" / "thoughtmill.json").read_text())
    assert loaded["train"].num_rows == first["rows"]
    card = (tmp_path / "set" / "README.md").read_text()
    command = next(line for line in card.splitlines() if line.startswith("thoughtmill mix "))
    words = [str(tmp_path / "lake") if w == "LAKE" else w for w in shlex.split(command)[1:]]
    words[words.index("--out") + 1] = str(tmp_path / "again")
    done = thoughtmill(*words, cwd=tmp_path / "set")
    assert done.returncode == 0, done.stderr
    again = json.loads((tmp_path / "again" / "thoughtmill.json").read_text())
    assert again["content_hash"] == first["content_hash"]


def test_export_options_when_layout_and_tokens_are_yaml_then_they_are_read():
    asked = {
        "folder": "x",
        "layout": "{kind: chat, system: Hi}",
        "tokens": "{tokenizer: t, pack: 9}",
    }
    settings = export_settings(asked)
    assert settings.layout == Chat(system="Hi")
    assert (settings.tokens.tokenizer, settings.tokens.pack) == ("t", 9)
    plain = export_settings({"folder": "x", "layout": "chat", "tokens": None})
    assert (plain.layout, plain.tokens) == (Chat(), None)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"layout": "chta"}, "--layout: unknown kind 'chta'"),
        ({"layout": "{kind: ["}, "--layout '{kind: ['"),
        ({"tokens": "{tokenizer: t, pakc: 9}"}, "--tokens.pakc: unknown key; did you mean 'pack'?"),
    ],
)
def test_export_options_when_wrong_then_the_error_names_the_option(asked, message):
    with pytest.raises(ConfigError) as refused:
        export_settings({"folder": "x", "layout": "text", "tokens": None, **asked})
    assert message in str(refused.value)

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from thoughtmill.flows.config import load_config, preflight, read_yaml
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.schemas.teachers import TeacherConfig, VllmTeacher

CONFIGS = Path(__file__).parents[2] / "configs"
DEMO = CONFIGS / "runs" / "demo.yaml"
GOOD = {
    "name": "tiny",
    "lake": "lake",
    "sources": [{"kind": "jsonl", "path": "documents.jsonl"}],
    "recipe": {"kind": "thinking"},
    "teacher": {"kind": "scripted"},
}


@pytest.fixture(autouse=True)
def _in_repository(monkeypatch):
    monkeypatch.chdir(CONFIGS.parent)


@pytest.fixture
def write(tmp_path):
    """A config file of `GOOD` with top-level changes; None removes a key."""

    def to_file(**changes) -> Path:
        values = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(values))
        return tmp_path / "run.yaml"

    return to_file


def refused(path: Path, *overrides: str, limit: int | None = None) -> str:
    """The message of a config that does not load: one line that begins with where it is wrong."""
    with pytest.raises(ConfigError) as failed:
        load_config(path, overrides, limit=limit)
    message = str(failed.value)
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("path", sorted((CONFIGS / "runs").glob("*.yaml")), ids=lambda p: p.name)
def test_run_config_when_shipped_then_it_loads_is_short_and_opens_with_its_command(path):
    config = load_config(path)
    lines = path.read_text().splitlines()
    comment = [line for line in lines if line.startswith("#")]
    assert any(f"configs/runs/{path.name}" in line for line in comment)
    assert len(lines) < 30
    assert config.name


@pytest.mark.parametrize(
    "path", sorted((CONFIGS / "teachers").glob("*.yaml")), ids=lambda p: p.name
)
def test_teacher_config_when_shipped_then_it_loads(path):
    TypeAdapter(TeacherConfig).validate_python(read_yaml(path))


def test_config_when_a_teacher_is_named_by_file_then_it_is_read():
    config = load_config(DEMO)
    assert isinstance(config.teacher[0], VllmTeacher)
    assert config.teacher[0].model == "models/pico"
    assert config.lake == LakeSettings(catalog="sqlite:lake/catalog.sqlite", data="lake/data")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draw": 3}, "draw: unknown key; did you mean 'draws'?"),
        ({"zzzzzz": 3}, "zzzzzz: unknown key; remove it"),
        ({"engine": {"wrokers": 2}}, "engine.wrokers: unknown key; did you mean 'workers'?"),
        (
            {"recipe": {"kind": "thinking", "sampling": {"topp": 0.9}}},
            "recipe.sampling.topp: unknown key; did you mean 'top_p'?",
        ),
        (
            {"teacher": {"kind": "vllm", "model": "m", "max_model_length": 9}},
            "teacher.max_model_length: unknown key; did you mean 'max_model_len'?",
        ),
        (
            {"sources": [{"kind": "jsonl", "path": "a", "feilds": {}}]},
            "sources.0.feilds: unknown key; did you mean 'fields'?",
        ),
        (
            {"max_tokens": 9},
            "max_tokens: unknown key; it belongs under recipe.sampling or",
        ),
        (
            {"teacher": {"kind": "vllm", "model": "m", "draws": 2}},
            "teacher.draws: unknown key; it belongs at the top",
        ),
        (
            {"recipe": {"kind": "solve", "document_tokens": 9}},
            "recipe.document_tokens: unknown key; it belongs under recipe of kind thinking",
        ),
        ({"engine": {"sourcse": 2}}, "engine.sourcse: unknown key; remove it"),
        ({"draws": "many"}, "draws: must be a whole number, not 'many'"),
        ({"draws": 0}, "draws: must be greater than 0, not 0"),
        ({"engine": {"error_budget": 2}}, "engine.error_budget: must be at most 1.0, not 2"),
        ({"name": "Not A Name"}, "name: must match the pattern"),
        ({"lake": {"catalog": "mysql:x", "data": "d"}}, "lake.catalog: 'mysql:x' must begin with"),
        ({"sources": []}, "sources: needs at least 1 of them"),
        ({"recipe": None}, "recipe: missing; add it"),
        ({"publish": {}}, "publish.folder: missing; add it"),
        ({"teacher": {"kind": "vlmm"}}, "unknown kind 'vlmm'; did you mean 'vllm'?"),
        ({"teacher": {"model": "m"}}, "teacher: the key `kind` is missing"),
        ({"scores": [{"kind": "loops"}]}, "scores.0: unknown kind 'loops'; there are "),
        ({"draw": 3, "recipe": None}, "(and 1 more)"),
    ],
)
def test_config_when_a_key_is_wrong_then_the_error_names_its_path_and_what_to_do(
    write, changes, message
):
    assert message in refused(write(**changes))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "not YAML: "),
        ("- name\n- lake\n", "a config is a mapping of keys to values"),
        ("", "a config is a mapping of keys to values"),
        ("name: caf\udce9", "not YAML: "),
        ("name: 2024-13-45", "not YAML: month must be in 1..12"),
    ],
)
def test_config_when_the_file_is_no_yaml_mapping_then_the_error_names_the_file(
    tmp_path, text, message
):
    path = tmp_path / "run.yaml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert refused(path).startswith(message)


def test_config_when_the_file_is_missing_then_the_error_names_one_that_is_there(tmp_path):
    message = refused(tmp_path / "nowhere.yaml")
    assert "No such file or directory; name a config such as configs/runs/demo.yaml" in message
    assert DEMO.is_file()


def test_config_when_the_teacher_file_is_missing_or_wrong_then_the_error_says_which(
    write, tmp_path
):
    assert "nowhere.yaml" in refused(write(teacher="nowhere.yaml"))
    (tmp_path / "mine.yaml").write_text("kind: vllm\nmodel: m\nmodle: x\n")
    assert "did you mean 'model'?" in refused(write(teacher=str(tmp_path / "mine.yaml")))


def test_config_when_a_prompt_file_is_missing_then_the_error_names_it(write):
    message = refused(write(recipe={"kind": "thinking", "prompt": "@prompts/none.txt"}))
    assert "'prompts/none.txt' can't be read" in message


def test_override_when_given_then_values_lists_files_and_new_places_are_set(write):
    path = write(teacher="configs/teachers/pico.yaml")
    config = load_config(
        path,
        [
            "draws=4",
            "teacher.max_num_seqs=64",
            "engine.workers=2",
            "sources.0.path=other.jsonl",
            "redo=[teacher_error, timeout]",
            "recipe.sampling={temperature: 0.1}",
            "publish.folder=out/x=y",
            "items=kind = 'document'",
        ],
    )
    assert config.draws == 4
    assert (config.teacher[0].model, config.teacher[0].max_num_seqs) == ("models/pico", 64)
    assert config.engine.workers == 2
    assert config.sources[0].path == "other.jsonl"
    assert config.redo == ("teacher_error", "timeout")
    assert config.recipe.sampling.temperature == 0.1
    assert config.publish.folder == "out/x=y"
    assert config.items == "kind = 'document'"


def test_override_when_it_names_another_teacher_file_then_that_is_read(write):
    config = load_config(write(), ["teacher=configs/teachers/pico.yaml", "teacher.dtype=float32"])
    assert (config.teacher[0].kind, config.teacher[0].dtype) == ("vllm", "float32")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("draws", "--set 'draws': write it as key.path=value"),
        ("=3", "--set '=3': write it as key.path=value"),
        ("sources.7.path=x", "--set 'sources.7.path=x': the config has no such place"),
        ("sources.first.path=x", "the config has no such place"),
        ("draws.deep=1", "the config has no such place"),
        ("draws=[", "the config has no such place"),
        ("drawz=1", "drawz: unknown key; did you mean 'draws'?"),
    ],
)
def test_override_when_wrong_then_the_error_names_it(write, override, message):
    assert message in refused(write(draws=1), override)


def test_limit_when_given_then_every_source_is_capped_and_a_smaller_cap_stays(write):
    sources = [
        {"kind": "jsonl", "path": "a"},
        {"kind": "jsonl", "path": "b", "limit": 3},
        {"kind": "jsonl", "path": "c", "limit": 30},
    ]
    config = load_config(write(sources=sources), limit=10)
    assert [source.limit for source in config.sources] == [10, 3, 10]


@pytest.mark.parametrize(
    "sources",
    [["a.jsonl"], "a.jsonl", {"kind": "jsonl"}, [{"kind": "jsonl", "path": "a", "limit": [3]}]],
)
def test_limit_when_sources_are_of_a_wrong_shape_then_the_error_is_still_one_line(write, sources):
    assert refused(write(sources=sources), limit=5).startswith("sources")


def test_limit_when_it_is_none_at_all_then_the_error_says_so(write):
    assert refused(write(), limit=0).startswith("limit: must be at least 1, not 0")


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("taken", "taken holds something that is no export: choose another folder"),
        ("file", "file holds something that is no export: choose another folder"),
        ("file/out", "file can't be written: choose another folder"),
    ],
)
def test_preflight_when_the_export_has_no_room_then_it_says_so_before_anything_starts(
    write, tmp_path, folder, message
):
    (tmp_path / "documents.jsonl").write_text('{"text": "a"}')
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    sources = [{"kind": "jsonl", "path": str(tmp_path / "documents.jsonl")}]
    preflight(
        load_config(write(sources=sources, publish={"folder": str(tmp_path / "new" / "out")}))
    )
    config = load_config(write(sources=sources, publish={"folder": str(tmp_path / folder)}))
    with pytest.raises(ConfigError, match=message):
        preflight(config)

import os

import pytest
from pydantic import TypeAdapter, ValidationError

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Item
from thoughtmill.tasks.sources import AnySource
from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.jsonl import JsonlSource

SOURCE = TypeAdapter(AnySource)


@pytest.fixture
def folder(tmp_path):
    for name in ("b/2.jsonl", "a/1.jsonl", "a/deep/3.jsonl", "a/other.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f'{{"text": "{name} 1"}}\nbad\n{{"text": "{name} 2"}}\n')
    return tmp_path


def test_paths_when_globs_overlap_then_each_file_is_one_part_in_order(folder, read):
    path = [f"{folder}/**/*.jsonl", f"{folder}/a/1.jsonl"]
    source = JsonlSource(path=path)
    assert [os.path.relpath(part.pieces[0].path, folder) for part in source.parts()] == [
        "a/1.jsonl",
        "a/deep/3.jsonl",
        "b/2.jsonl",
    ]
    got = read(source)
    assert len(got.items) == 6
    assert [drop.detail.split(": ")[0] for drop in got.drops] == [
        f"{folder}/{name}:2" for name in ("a/1.jsonl", "a/deep/3.jsonl", "b/2.jsonl")
    ]
    assert {item.source for item in got.items} == {f"{folder}/**/*.jsonl, {folder}/a/1.jsonl"}


def test_paths_when_relative_then_a_worker_elsewhere_still_finds_them(folder, monkeypatch):
    monkeypatch.chdir(folder)
    source = JsonlSource(path="b/*.jsonl", name="mine")
    parts = source.parts()
    monkeypatch.chdir("/")
    rows = list(source.read(parts[0], "run-1"))
    assert [row.source for row in rows if isinstance(row, Item)] == ["mine", "mine"]
    assert rows[1].detail.startswith("b/2.jsonl:2: ")


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("train.jsonl", "train.jsonl"),
        ("./a/train.jsonl", "a/train.jsonl"),
        ("../b/train.jsonl", "../b/train.jsonl"),
        ("~/b/*.jsonl", "~/b/*.jsonl"),
        (["./a.jsonl", "b/a.jsonl"], "a.jsonl, b/a.jsonl"),
    ],
)
def test_label_when_no_name_is_given_then_the_paths_as_written(path, label):
    assert JsonlSource(path=path).label == label


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("{}/*.csv", r"path: no file matches '.*\*\.csv'"),
        ("{}/missing.jsonl", r"path: no file matches"),
        ("{}/a", r"path: '.*' is a folder"),
    ],
)
def test_paths_when_nothing_is_there_then_the_error_says_so(folder, path, message):
    with pytest.raises(ConfigError, match=message):
        JsonlSource(path=path.format(folder)).parts()


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_paths_when_a_file_may_not_be_read_then_the_error_says_so(folder):
    (folder / "b/2.jsonl").chmod(0)
    with pytest.raises(ConfigError, match="no permission"):
        JsonlSource(path=f"{folder}/b/*.jsonl").parts()


def test_paths_when_a_name_holds_brackets_then_it_is_the_file_of_that_name(tmp_path, read):
    path = tmp_path / "docs[1].jsonl"
    path.write_text('{"text": "a"}')
    assert read(JsonlSource(path=str(path))).texts == ["a"]


def test_paths_when_a_name_is_not_utf8_then_drops_still_name_the_file(tmp_path, read):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl")
    with open(path, "w") as file:
        file.write('{"text": "a"}\nbad\n')
    got = read(JsonlSource(path=path))
    assert got.reasons == [("bad_json", 2)]
    assert got.items[0].source == f"{tmp_path}/caf\\udce9.jsonl"


def test_limit_when_set_then_the_first_good_rows_come_in_file_order(folder, read):
    source = JsonlSource(path=f"{folder}/**/*.jsonl", limit=3)
    assert len(source.parts()) == 1
    got = read(source)
    assert got.texts == ["a/1.jsonl 1", "a/1.jsonl 2", "a/deep/3.jsonl 1"]
    assert len(got.drops) == 1


def test_columns_when_only_later_rows_have_one_then_it_is_there(tmp_path, read):
    path = tmp_path / "late.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b", "meta": {"url": "u"}}\n')
    got = read(JsonlSource(path=str(path), fields=Fields(meta=("meta.url",))))
    assert [item.meta for item in got.items] == [{}, {"meta.url": "u"}]


def test_columns_when_a_file_is_empty_then_it_gives_nothing(tmp_path, read):
    (tmp_path / "empty.jsonl").touch()
    assert read(JsonlSource(path=str(tmp_path / "empty.jsonl"))) == ([], [])


def test_sources_when_from_yaml_values_then_the_kind_picks_the_class():
    plain = {"kind": "jsonl", "path": ["a", "b"], "fields": {"text": "problem", "meta": ["url"]}}
    source = SOURCE.validate_python(plain)
    assert isinstance(source, JsonlSource)
    assert source.fields.meta == ("url",)
    assert SOURCE.validate_json(source.model_dump_json()) == source
    with pytest.raises(ValidationError, match="filds"):
        SOURCE.validate_python({**plain, "filds": {}})

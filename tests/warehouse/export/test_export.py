from __future__ import annotations

import json
import multiprocessing
import shlex
from pathlib import Path

import datasets
import polars as pl
import pytest

from tests.lakes import (
    commit_forever,
    committer,
    draws_shard,
    item,
    land_items,
    settings_of,
    trace,
)
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.export import Export, export
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lake import Lake

THOUGHT = "Thought {}.0: it runs down because it is heavy."


@pytest.fixture
def source(small_template: Path) -> LakeSettings:
    """`small_lake`, shared: an export only reads it."""
    return settings_of(small_template)


def publish(source: LakeSettings, folder: Path, **asked) -> Export:
    return export(source, ExportSettings(folder=str(folder), **asked))


def rows_of(folder: Path) -> list[dict]:
    return pl.read_parquet(folder / "data" / "*.parquet").to_dicts()


def test_export_when_written_then_load_dataset_takes_the_folder(source, tmp_path, monkeypatch):
    result = publish(source, tmp_path / "out")
    assert (result.rows, result.folder) == (5, tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows == 5
    assert tuple(loaded["train"].column_names) == result.columns
    assert loaded["train"].to_list() == rows_of(tmp_path / "out")
    lines = (tmp_path / "out" / "jsonl" / "train.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows_of(tmp_path / "out")


def test_export_when_written_anew_then_datasets_load_the_new_rows_not_their_cache(source, tmp_path):
    for where, there in (("true", 5), (f"item_id = '{item(2).item_id}'", 1)):
        publish(source, tmp_path / "out", where=where)
        loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
        assert loaded["train"].num_rows == there


def test_export_when_written_then_rows_hold_text_and_where_it_came_from(source, tmp_path):
    publish(source, tmp_path / "out", where=f"item_id = '{item(2).item_id}'")
    (row,) = rows_of(tmp_path / "out")
    assert type(row["thinking_tokens"]) is int
    assert row == {
        "text": f"Document 2:\n\n<think>\n{THOUGHT.format(2)}\n</think>",
        "answer": None,
        "reference": None,
        "kind": "document",
        "domain": "hills",
        "source": "documents",
        "recipe": "thinking",
        "teacher": "pico",
        "thinking_tokens": 22,
        "item_id": item(2).item_id,
        "trace_id": trace(2).trace_id,
        "draw": 0,
    }


def test_export_when_written_then_the_card_tells_rows_make_up_and_how_to_draw_it_again(
    source, tmp_path
):
    where = "domain = 'hills' AND thinking LIKE '%\"%' OR true"
    result = publish(source, tmp_path / "out", where=where)
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"\n5 rows drawn from a Thoughtmill lake at snapshot {result.snapshot}." in card
    assert "| documents | hills | thinking | pico | 4 | 86 |" in card
    assert "| trace_id | Hash of item, recipe fingerprint, teacher fingerprint and draw. |" in card
    for column in result.columns:
        described = next(line for line in card.splitlines() if line.startswith(f"| {column} | "))
        assert len(described) > len(f"| {column} |  |")
    command = next(line for line in card.splitlines() if line.startswith("thoughtmill export"))
    assert shlex.split(command)[2:] == [
        str(tmp_path / "out"),
        "--snapshot",
        str(result.snapshot),
        "--where",
        where,
        "--lake",
        "LAKE",
    ]
    record = json.loads((tmp_path / "out" / "thoughtmill.json").read_text())
    assert (record["rows"], record["snapshot"]) == (5, result.snapshot)
    assert record["settings"]["where"] == where


@pytest.mark.parametrize(
    "asked",
    [
        {"layout": "deepdistill"},
        {"query": "SELECT trace_id, item_meta, MAP {'a': 1.5} AS rates FROM samples"},
    ],
)
def test_export_when_a_column_is_a_map_then_datasets_load_it_as_keys_and_values(
    source, tmp_path, asked
):
    publish(source, tmp_path / "out", **asked)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    row = loaded["train"][0]
    assert (
        row["pass_rates"] is None
        if "layout" in asked
        else row["rates"] == [{"key": "a", "value": 1.5}]
    )


@pytest.mark.parametrize(
    ("document", "shown"),
    [("shown", "Document 0:"), ("whole", "Document 0: water runs down the hill.")],
)
def test_export_when_document_is_shown_or_whole_then_text_begins_with_that_part(
    source, tmp_path, document, shown
):
    publish(
        source,
        tmp_path / "out",
        where=f"item_id = '{item(0).item_id}'",
        layout={
            "kind": "text",
            "document": document,
            "separator": " ~ ",
            "open_tag": "[",
            "close_tag": "]$1",
        },
        jsonl=False,
    )
    (row,) = rows_of(tmp_path / "out")
    assert row["text"] == f"{shown} ~ [{THOUGHT.format(0)}]$1"
    assert not (tmp_path / "out" / "jsonl").exists()


def test_export_when_characters_are_wide_then_the_shown_part_is_cut_where_the_recipe_cut(
    settings, tmp_path
):
    with Lake.create(settings) as lake:
        wide = item(0, text="🧠é思考e\u0301 and more")
        land_items(lake, [wide])
        made = trace(0, item_id=wide.item_id, meta={"document_chars": "6"})
        committer(lake).commit(draws_shard(settings, [made], [0]))
    publish(settings, tmp_path / "out")
    assert rows_of(tmp_path / "out")[0]["text"].startswith("🧠é思考e\u0301\n\n<think>")


def test_export_when_a_query_is_given_then_its_columns_are_published(source, tmp_path):
    query = "SELECT source, count(*) AS traces FROM thoughts GROUP BY ALL"
    result = publish(source, tmp_path / "out", query=query)
    assert result.columns == ("source", "traces")
    assert rows_of(tmp_path / "out") == [{"source": "documents", "traces": 5}]
    assert query in (tmp_path / "out" / "README.md").read_text()


def test_export_when_drawn_again_at_its_snapshot_then_it_is_the_same_after_more_commits(
    small, tmp_path
):
    first = publish(small, tmp_path / "first")
    with Lake.create(small) as lake:
        committer(lake).commit(draws_shard(small, [trace(n, 1) for n in range(4)], range(4)))
    again = publish(small, tmp_path / "again", snapshot=first.snapshot)
    assert again.snapshot == first.snapshot
    assert rows_of(tmp_path / "again") == rows_of(tmp_path / "first")
    assert publish(small, tmp_path / "newest").rows == 9


def test_export_when_a_run_is_landing_shards_then_the_snapshot_it_names_gives_the_same_rows(
    settings, tmp_path, wait_until
):
    with Lake.create(settings) as lake:
        land_items(lake, [item(n) for n in range(200)])
    spawn = multiprocessing.get_context("spawn")
    writer = spawn.Process(target=commit_forever, args=(settings, "run-1"), daemon=True)
    writer.start()
    traces = Path(settings.data, "main", "traces")
    results = []
    for n in range(2):
        before = len(list(traces.rglob("*.parquet")))
        wait_until(lambda before=before: len(list(traces.rglob("*.parquet"))) > before + 1)
        results.append(publish(settings, tmp_path / f"live-{n}"))
    writer.kill()
    writer.join()
    for n, result in enumerate(results):
        publish(settings, tmp_path / f"again-{n}", snapshot=result.snapshot)
        assert rows_of(tmp_path / f"again-{n}") == rows_of(tmp_path / f"live-{n}")
    assert results[0].snapshot < results[1].snapshot


def test_export_when_the_folder_is_an_earlier_export_then_it_is_replaced_whole(source, tmp_path):
    publish(source, tmp_path / "out")
    (tmp_path / "out" / "data" / "train-9.parquet").write_text("of an older, larger export")
    result = publish(source, tmp_path / "out", where="domain = 'rivers'", jsonl=False)
    assert result.rows == len(rows_of(tmp_path / "out")) == 1
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == [
        "README.md",
        "data",
        "thoughtmill.json",
    ]


def test_export_when_the_folder_is_somebody_elses_then_it_is_left_alone(source, tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("mine")
    for name in ("theirs", "file"):
        with pytest.raises(ConfigError, match="holds something that is no export"):
            publish(source, tmp_path / name)
    assert (tmp_path / "theirs" / "thesis.tex").read_text() == "years of work"
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({"where": "colour = 'red'"}, "colour = 'red'"),
        ({"where": "thinking_tokens >"}, "thinking_tokens >"),
        ({"where": "CAST(thinking AS INTEGER) > 1"}, "CAST(thinking AS INTEGER) > 1"),
        ({"where": "thinking_tokens > 10000"}, "thinking_tokens > 10000"),
        ({"query": "FROM nowhere"}, "FROM nowhere"),
        ({"query": "FROM thoughts WHERE false"}, "FROM thoughts WHERE false"),
        ({"query": "CREATE TEMP TABLE mine AS SELECT 1"}, "CREATE TEMP TABLE"),
        ({"query": "DROP TABLE items"}, "DROP TABLE items"),
        ({"query": ""}, "publish.query"),
    ],
)
def test_export_when_the_selection_is_wrong_or_empty_then_one_line_says_so_and_nothing_is_left(
    source, tmp_path, asked, part
):
    folder = tmp_path / "out" / "set"
    with pytest.raises(ConfigError) as refused:
        publish(source, folder, **asked)
    message = str(refused.value)
    assert message.startswith("publish")
    assert part in message
    assert len(message.splitlines()) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not (tmp_path / "out" / "set.partial").exists()


def test_export_when_it_fails_then_the_earlier_export_stays(source, tmp_path):
    publish(source, tmp_path / "out")
    before = rows_of(tmp_path / "out")
    with pytest.raises(ConfigError):
        publish(source, tmp_path / "out", where="CAST(thinking AS INTEGER) > 1")
    assert rows_of(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_export_when_the_folder_has_a_difficult_name_then_it_works(source, tmp_path):
    folder = tmp_path / "o'brien's [old] *set*"
    assert publish(source, folder).rows == 5
    assert (folder / "jsonl" / "train.jsonl").read_text().count("\n") == 5


def test_export_when_a_domain_would_break_a_table_then_the_card_stays_a_table(settings, tmp_path):
    with Lake.create(settings) as lake:
        land_items(lake, [item(0, domain="a|b\nc")])
        committer(lake).commit(draws_shard(settings, [trace(0)], [0]))
    publish(settings, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| documents | a\\|b c | thinking | pico | 1 | 20 |" in card

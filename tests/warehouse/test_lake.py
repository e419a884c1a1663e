from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.lakes import committer, draws_shard, item, land_items, settings_of, trace
from thoughtmill.schemas.arrow import SCHEMAS, to_table
from thoughtmill.schemas.errors import ConfigError, LakeError
from thoughtmill.warehouse.extensions import connect
from thoughtmill.warehouse.lake import Lake, views


def described(lake: Lake, name: str) -> list[tuple[str, str]]:
    return [(column, kind) for column, kind, *_ in lake.rows(f"DESCRIBE FROM {name}")]


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_tables_when_lake_is_made_then_they_have_the_pinned_arrow_types(reader, tmp_path, name):
    file = tmp_path / f"{name}.parquet"
    pq.write_table(to_table(name, []), file)
    assert described(reader, name) == described(reader, f"read_parquet('{file}')")


def test_views_when_lake_is_empty_then_each_answers_without_rows(lake):
    assert {name: lake.rows(f"FROM {name}") for name in views()} == {name: [] for name in views()}


def test_views_when_a_sql_file_is_added_then_the_lake_has_it():
    folder = Path(__file__).parents[2] / "warehouse" / "sql" / "views"
    assert {file.stem for file in folder.glob("*.sql")} == set(views())


@pytest.mark.parametrize("name", list(views()))
def test_views_when_read_as_arrow_then_no_count_is_a_float_or_128_bits_wide(reader, name):
    types = dict(described(reader, name))
    assert "HUGEINT" not in types.values()
    counts = {t for column, t in types.items() if column in ("traces", "drops", "tokens")}
    assert counts <= {"BIGINT"}


def test_views_when_lake_has_rows_then_figures_are_right(reader):
    assert reader.one("SELECT count(*) FROM eligible") == 5
    assert reader.rows("SELECT reason, drops, completion_tokens, example FROM drop_reasons") == [
        ("length", 1, 9, "never ended")
    ]
    assert reader.rows("FROM cost") == [("run-1", "thinking", "pico", 5, 5, 15, 110, 22.0)]
    assert reader.rows(
        "SELECT domain, traces, mean_tokens, median_tokens, max_tokens FROM thinking_length"
    ) == [("rivers", 1, 24.0, 24.0, 24), ("hills", 4, 21.5, 21.5, 23)]
    assert reader.rows(
        "SELECT position, kind, text, tokens, trainable FROM segments "
        "WHERE item_id = $1 ORDER BY position",
        [item(1).item_id],
    ) == [
        (0, "prompt", "Think.", 3, False),
        (1, "think", "Thought 1.0: it runs down because it is heavy.", 21, True),
    ]


def test_thoughts_when_segments_are_many_or_without_ids_then_text_joins_and_tokens_fall_back(lake):
    whole = trace(0)
    ask, think = whole.segments
    code = think.model_copy(update={"kind": "code", "text": "1 + 1"})
    again = think.model_copy(update={"text": " And so on.", "token_ids": (1, 2)})
    bare = trace(1)
    silent = tuple(s.model_copy(update={"token_ids": ()}) for s in bare.segments)
    unthought = trace(2, segments=(ask,))
    land_items(lake, [item(n) for n in range(3)])
    rows = [
        trace(0, segments=(ask, think, code, again)),
        trace(1, segments=silent),
        unthought,
    ]
    committer(lake).commit(draws_shard(lake.settings, rows, [0, 1, 2]))
    found = lake.rows("SELECT thinking, thinking_tokens FROM thoughts ORDER BY item_id")
    expected = {
        item(0).item_id: (think.text + " And so on.", 22),
        item(1).item_id: (silent[1].text, 21),
        item(2).item_id: (None, 22),
    }
    assert found == [expected[key] for key in sorted(expected)]


def test_eligible_when_a_screen_objects_then_the_trace_is_left_out_and_kept(small):
    with Lake.create(small) as lake:
        lake.connection.execute(
            "INSERT INTO exclusions VALUES (?, 'near_duplicate@1', 'repeated', '')",
            [trace(2).trace_id],
        )
        assert lake.one("SELECT count(*) FROM eligible") == 4
        assert lake.one("SELECT count(*) FROM traces") == 5


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO scores VALUES ('t', 's', 1)",
        "DELETE FROM traces",
        "UPDATE traces SET answer = ''",
        "DROP TABLE items",
        "DROP VIEW thoughts",
        "CREATE TABLE mine (a INTEGER)",
        "DELETE FROM __ducklake_metadata_lake.ducklake_data_file",
    ],
)
def test_open_when_a_statement_writes_then_it_is_refused(reader, statement):
    with pytest.raises(duckdb.Error, match="read-only mode"):
        reader.connection.execute(statement)
    assert reader.one("SELECT count(*) FROM traces") == 5


def test_open_when_there_is_no_lake_then_the_error_says_what_to_do_and_makes_none(tmp_path):
    with pytest.raises(ConfigError, match="start a run first, or name one with --lake"):
        Lake.open(settings_of(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_open_when_the_snapshot_is_older_then_rows_are_those_of_then(small):
    with Lake.create(small) as lake:
        before = lake.snapshot()
        committer(lake).commit(draws_shard(small, [trace(0, 1)], [0]))
        assert lake.snapshot() == before + 1
    with Lake.open(small, snapshot=before) as lake:
        assert lake.snapshot() == before
        assert lake.one("SELECT count(*) FROM traces") == 5
    with pytest.raises(LakeError, match="No snapshot found at version 9999"):
        Lake.open(small, snapshot=9999)


@pytest.mark.parametrize("way_in", [Lake.create, Lake.open])
def test_lake_when_of_another_version_then_it_is_left_alone(settings, way_in):
    with Lake.create(settings) as lake:
        lake.connection.execute("UPDATE lake_version SET version = 99")
    with pytest.raises(LakeError, match="has version 99, this release reads version 2"):
        way_in(settings)


def test_create_when_the_folder_holds_files_of_another_lake_then_it_is_left_alone(small):
    other = small.model_copy(update={"catalog": f"{small.catalog}.other"})
    with pytest.raises(LakeError, match="another lake"):
        Lake.create(other)


def test_create_when_another_release_made_the_lake_then_it_gets_this_ones_views(settings):
    with Lake.create(settings) as lake:
        lake.connection.execute("CREATE OR REPLACE VIEW thoughts AS SELECT 1 AS old")
        lake.connection.execute("UPDATE lake_views SET fingerprint = 'before'")
        before = lake.snapshot()
    with Lake.create(settings) as lake:
        assert "thinking" in lake.connection.table("thoughts").columns
    with Lake.open(settings, snapshot=before) as lake:
        assert lake.connection.table("thoughts").columns == ["old"]


def test_connect_when_two_spill_at_once_then_each_reads_its_own_rows():
    filled = "CREATE TABLE t AS SELECT i, md5(i::VARCHAR) AS m FROM range(200_000) AS r (i)"
    right = "SELECT count(*) FROM t WHERE m = md5(i::VARCHAR)"
    first, second = connect(memory_limit="20MB"), connect(memory_limit="20MB")
    for connection in (first, second):
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(filled)
    assert [one.execute(right).fetchall() for one in (first, second)] == [[(200_000,)]] * 2
    first.close()
    assert second.execute(right).fetchall() == [(200_000,)]
    second.close()


@pytest.mark.parametrize("way_in", [Lake.create, Lake.open])
def test_lake_when_it_is_somebody_elses_ducklake_then_it_is_left_alone(tmp_path, way_in):
    settings = settings_of(tmp_path)
    connection = connect("ducklake", "sqlite_scanner")
    catalog = settings.catalog.removeprefix("sqlite:")
    attach = f"ATTACH 'ducklake:sqlite:{catalog}' AS other (DATA_PATH '{tmp_path}/other')"
    connection.execute(attach)
    connection.execute("CREATE TABLE other.theirs AS SELECT 1 AS a")
    connection.close()
    with pytest.raises(LakeError, match="not one of ours: name another with `lake:`"):
        way_in(settings)
    connection = connect("ducklake", "sqlite_scanner")
    connection.execute(attach)
    assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("theirs",)]
    connection.close()


@pytest.mark.parametrize("way_in", [Lake.create, Lake.open])
def test_lake_when_the_catalog_is_no_database_then_the_error_is_ours(tmp_path, way_in):
    (tmp_path / "catalog.sqlite").write_text("not a database, but long enough to look at\n" * 40)
    with pytest.raises(LakeError, match="can't open the lake at sqlite:"):
        way_in(settings_of(tmp_path))


def test_create_when_a_file_is_in_the_way_then_the_error_is_ours(tmp_path):
    (tmp_path / "lake").write_text("")
    with pytest.raises(LakeError, match="can't make the lake at"):
        Lake.create(settings_of(tmp_path / "lake"))


def test_lake_when_moved_to_another_folder_then_all_rows_are_read_and_work_goes_on(small, tmp_path):
    shutil.move(tmp_path / "small", tmp_path / "moved")
    settings = settings_of(tmp_path / "moved")
    with Lake.create(settings) as lake:
        assert lake.one("SELECT count(DISTINCT thinking) FROM thoughts") == 5
        committer(lake).commit(draws_shard(settings, [trace(0, 1)], [0]))
    with Lake.open(settings) as lake:
        assert lake.one("SELECT count(DISTINCT thinking) FROM thoughts") == 6
    assert not (tmp_path / "small").exists()


def test_lake_when_named_relative_to_a_folder_then_it_is_found_from_another(small, monkeypatch):
    folder = Path(small.data).parent
    monkeypatch.chdir(folder.parent)
    with Lake.create(settings_of(Path(folder.name))) as lake:
        committer(lake).commit(draws_shard(lake.settings, [trace(0, 1)], [0]))
    monkeypatch.chdir("/")
    with Lake.open(settings_of(Path(os.path.relpath(folder)))) as lake:
        assert lake.one("SELECT count(DISTINCT thinking) FROM thoughts") == 6


def test_lake_when_its_folder_has_a_difficult_name_then_it_works(tmp_path):
    settings = settings_of(tmp_path / "o'brien's [old] *lake* é")
    with Lake.create(settings) as lake:
        land_items(lake, [item(0)])
        landing = committer(lake)
        landing.commit(draws_shard(settings, [trace(0)], [0]))
        landing.commit(draws_shard(settings, [trace(0), trace(1)], [0, 1]))
    with Lake.open(settings) as lake:
        assert lake.one("SELECT count(DISTINCT thinking) FROM thoughts") == 1
        assert lake.one("SELECT count(*) FROM traces") == 2

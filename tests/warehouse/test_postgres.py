"""A lake whose catalog is PostgreSQL: a server of this module's own, on a Unix socket."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.lakes import commit_range, committer, draws_shard, item, land_items, trace
from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.export import export
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.lock import writer_lock
from thoughtmill.warehouse.maintain import maintain

BIN = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=Path("missing")).parent
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        not (BIN / "initdb").is_file(),
        reason="PostgreSQL is not installed (apt-get install postgresql)",
    ),
]


def as_server_user(*command: str) -> None:
    """PostgreSQL refuses to run as root."""
    who = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*who, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    # Not under tmp_path: its parents are closed to other users, and socket paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data = str(folder / "data")
    as_server_user(str(BIN / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    control = (str(BIN / "pg_ctl"), "-D", data, "-w")
    as_server_user(*control, "-l", str(folder / "log"), "-o", options, "start")
    yield folder
    as_server_user(*control, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def settings(server: Path, tmp_path: Path, request: pytest.FixtureRequest) -> LakeSettings:
    """A lake in a database of this test's own; the name of the files' folder is difficult."""
    name = f"lake{abs(hash(request.node.name)) % 10**8}"
    subprocess.run([BIN / "createdb", "-h", server, "-U", "postgres", name], check=True)
    return LakeSettings(
        catalog=f"postgres:dbname={name} host={server} user='postgres'",
        data=str(tmp_path / "o'brien's data"),
    )


def test_postgres_when_shards_land_then_rows_are_there_once_and_a_reader_may_not_write(settings):
    with Lake.create(settings) as lake:
        land_items(lake, [item(n) for n in range(3)])
        landing = committer(lake)
        manifest = draws_shard(settings, [trace(0), trace(1)], [0, 1])
        assert landing.commit(manifest).rows == {"traces": 2, "scores": 2}
        assert landing.commit(manifest).rows == {}
        assert landing.commit(draws_shard(settings, [trace(1), trace(2)], [1, 2])).repeated == 2
    with Lake.open(settings) as lake:
        assert lake.one("SELECT count(DISTINCT thinking) FROM thoughts") == 3
        assert lake.one("SELECT count(*) FROM traces") == 3
        with pytest.raises(duckdb.Error, match="read-only"):
            lake.connection.execute("DROP TABLE traces")


def test_postgres_when_two_processes_commit_at_once_then_each_trace_lands_once(settings):
    spawn = multiprocessing.get_context("spawn")
    jobs = [(settings, "run-1", 0, 10), (settings, "run-2", 5, 10, 3)]
    writers = [spawn.Process(target=commit_range, args=job, daemon=True) for job in jobs]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    with Lake.open(settings) as lake:
        assert lake.rows("SELECT count(trace_id), count(DISTINCT trace_id) FROM traces") == [
            (17, 17)
        ]
        assert lake.one("SELECT count(DISTINCT trace_id) FROM scores") == 17
        assert lake.rows("SELECT count(*), count(DISTINCT commit_no) FROM shards") == [(20, 20)]


def test_postgres_when_maintained_and_exported_then_it_works_as_with_sqlite(settings, tmp_path):
    with Lake.create(settings) as lake:
        land_items(lake, [item(n) for n in range(4)])
        landing = committer(lake)
        for n in range(3):
            landing.commit(draws_shard(settings, [trace(n)], [n]))
        before = lake.snapshot()
        landing.commit(draws_shard(settings, [trace(3)], [3]))
    assert maintain(settings, orphan_age_s=0).merged == 6
    asked = ExportSettings(folder=str(tmp_path / "out"), snapshot=before)
    assert export(settings, asked).rows == 3


def test_postgres_when_a_commit_fails_then_the_error_is_of_the_commit_not_of_the_lock(settings):
    with Lake.create(settings) as lake:
        manifest = draws_shard(settings, [trace(0)], [0])
        lake.storage.delete(manifest.files[0].path)
        with pytest.raises(LakeError, match=f"can't commit shard {manifest.shard_id}: IO Error"):
            committer(lake).commit(manifest)


def test_postgres_when_the_lock_is_held_then_a_second_holder_waits_for_it(settings):
    with Lake.create(settings):
        pass
    spawn = multiprocessing.get_context("spawn")
    writer = spawn.Process(target=commit_range, args=(settings, "run-1", 0, 1), daemon=True)
    with writer_lock(settings):
        writer.start()
        writer.join(3)
        assert writer.is_alive()
        with Lake.open(settings) as lake:
            assert lake.one("SELECT count(*) FROM shards") == 0
    writer.join()
    assert writer.exitcode == 0
    with Lake.open(settings) as lake:
        assert lake.one("SELECT count(*) FROM shards") == 1


def test_postgres_when_the_server_is_not_there_then_the_error_is_one_line(tmp_path):
    settings = LakeSettings(
        catalog=f"postgres:dbname=lake host={tmp_path}", data=str(tmp_path / "data")
    )
    for way_in in (Lake.create, Lake.open):
        with pytest.raises(LakeError) as failed:
            way_in(settings)
        assert len(str(failed.value).splitlines()) == 1


def test_postgres_when_no_lake_was_made_then_opening_makes_none(settings):
    with pytest.raises(LakeError) as failed:
        Lake.open(settings)
    assert len(str(failed.value).splitlines()) == 1
    with Lake.create(settings) as lake:
        assert lake.one("SELECT count(*) FROM traces") == 0

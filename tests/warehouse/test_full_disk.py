"""A disk that is full, for real: a small tmpfs of this test's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest

from tests.lakes import committer, draws_shard, item, land_items, settings_of, trace
from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.export import export
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.storage import Storage

BIG = pa.table({"noise": [os.urandom(1 << 20) for _ in range(6)]})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no tmpfs here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def test_write_table_when_the_disk_is_full_then_it_says_so_and_leaves_no_file(disk):
    with pytest.raises(LakeError, match="No space left on device"):
        Storage(str(disk / "data")).write_table("main/traces/run-1/a.parquet", BIG)
    assert [path for path in disk.rglob("*") if path.is_file()] == []


def test_create_when_the_disk_is_full_then_the_error_is_ours_and_later_it_can_be_made(disk):
    fill(disk)
    with pytest.raises(LakeError) as failed:
        Lake.create(settings_of(disk / "lake"))
    assert len(str(failed.value).splitlines()) == 1
    (disk / "filler").unlink()
    with Lake.create(settings_of(disk / "lake")) as lake:
        assert lake.one("SELECT count(*) FROM traces") == 0


def test_commit_when_the_disk_is_full_then_nothing_landed_and_later_it_lands(disk, tmp_path):
    # The catalog on the small disk, the files beside it: the shard is written, its commit fails.
    settings = LakeSettings(catalog=f"sqlite:{disk}/catalog.sqlite", data=str(tmp_path / "data"))
    with Lake.create(settings) as lake:
        land_items(lake, [item(0)])
        landing = committer(lake)
        manifest = draws_shard(settings, [trace(0)], [0])
        fill(disk)
        with pytest.raises(LakeError, match=f"can't commit shard {manifest.shard_id}"):
            landing.commit(manifest)
        assert landing.settled == 0
        (disk / "filler").unlink()
        assert landing.commit(manifest).rows == {"traces": 1, "scores": 1}
    with Lake.open(settings) as lake:
        assert lake.one("SELECT count(DISTINCT thinking) FROM thoughts") == 1


def test_export_when_the_disk_is_full_then_the_error_is_ours_and_nothing_is_left(
    disk, small_template
):
    fill(disk)
    with pytest.raises(LakeError, match="No space left on device"):
        export(settings_of(small_template), ExportSettings(folder=str(disk / "out")))
    assert {path.name for path in disk.iterdir()} == {"filler"}

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.lakes import item
from thoughtmill.schemas.errors import LakeError
from thoughtmill.warehouse.commit import Committer
from thoughtmill.warehouse.images import Picture, load, store
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.maintain import maintain
from thoughtmill.warehouse.shards import ITEMS_LANE, write_items
from thoughtmill.warehouse.storage import Storage

PICTURES = [Picture.of(f"picture {n}".encode(), format="jpeg", width=4, height=3) for n in range(3)]


def land(settings, numbers: range, pictures, run_id: str = "run-1"):
    storage = Storage(settings.data)
    items = [item(n, images=tuple(p.row.image_id for p in pictures)) for n in numbers]
    shard = write_items(
        storage, run_id=run_id, source="rooms", items=items, drops=[], pictures=pictures
    )
    with Lake.create(settings) as lake:
        return Committer(lake, run_id, ITEMS_LANE).commit(shard)


def test_images_when_several_items_and_runs_point_at_one_then_it_is_there_once(settings):
    assert land(settings, range(2), PICTURES[:2]).rows["images"] == 2
    again = land(settings, range(2, 4), PICTURES[1:], run_id="run-2")
    assert (again.rows["images"], again.rows["items"]) == (1, 2)
    with Lake.open(settings) as lake:
        rows = lake.rows("SELECT image_id, path, bytes FROM images ORDER BY path")
        dangling = "SELECT count(*) FROM items, unnest(images) AS u (id) WHERE id NOT IN "
        assert lake.one(f"{dangling} (SELECT image_id FROM images)") == 0
    assert rows == sorted(
        [(p.row.image_id, p.row.path, len(p.data)) for p in PICTURES], key=lambda row: row[1]
    )
    storage = Storage(settings.data)
    assert sorted(storage.files("images")) == [path for _, path, _ in rows]
    for picture in PICTURES:
        assert picture.row.path.startswith(f"images/{picture.row.image_id[:2]}/")
        assert load(storage, picture.row.image_id) == ("jpeg", picture.data)


def test_images_when_old_and_swept_then_those_of_the_lake_stay_and_orphans_go(settings):
    land(settings, range(2), PICTURES[:2])
    storage = Storage(settings.data)
    store(storage, PICTURES[2:])
    long_ago = time.time() - 10 * 86_400
    for path in storage.files("images"):
        os.utime(Path(settings.data, path), (long_ago, long_ago))
    assert maintain(settings).swept == 1
    assert sorted(storage.files("images")) == sorted(p.row.path for p in PICTURES[:2])


def test_images_when_stored_again_then_a_sweep_finds_them_young(settings):
    storage = Storage(settings.data)
    store(storage, PICTURES[:1])
    path = Path(settings.data, PICTURES[0].row.path)
    os.utime(path, (1e9, 1e9))
    store(storage, PICTURES[:1])
    assert maintain(settings).swept == 0
    assert path.read_bytes() == PICTURES[0].data
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_load_when_there_is_no_such_image_then_lake_error(tmp_path):
    with pytest.raises(LakeError, match="no image"):
        load(Storage(str(tmp_path)), "0" * 32)


def test_write_bytes_when_the_folder_can_not_be_made_then_lake_error(tmp_path):
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(LakeError, match="can't write"):
        store(Storage(str(tmp_path)), PICTURES[:1])


def test_write_items_when_the_same_stretch_is_read_again_then_the_same_shard(settings):
    storage = Storage(settings.data)
    shards = [
        write_items(
            storage, run_id="r", source="s", items=[item(1)], drops=[], pictures=PICTURES[:n]
        )
        for n in (1, 1, 2)
    ]
    assert shards[0].shard_id == shards[1].shard_id != shards[2].shard_id

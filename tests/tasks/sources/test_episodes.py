from __future__ import annotations

import io
import json

import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.mazes import Episode, episode, write_folder, write_parquet
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Drop, Item
from thoughtmill.tasks.sources.episodes import EpisodeSource, sampled
from thoughtmill.warehouse.images import Picture

INSTRUCTION = "Go to the ball."


def frame(shade: int, size: tuple[int, int] = (40, 30), format: str = "JPEG") -> bytes:
    encoded = io.BytesIO()
    PIL.Image.new("RGB", size, (shade, 10, 10)).save(encoded, format)
    return encoded.getvalue()


def walk(count: int, **fields) -> Episode:
    values = {
        "episode_id": "walk",
        "instruction": INSTRUCTION,
        "frames": [frame(n * 20 % 250) for n in range(count)],
        "actions": ["forward"] * (count - 1) + ["stop"],
        "poses": [],
    }
    return Episode(**{**values, **fields})


def read(source: EpisodeSource) -> list:
    return [row for part in source.parts() for row in source.read(part, "run-1")]


def of(kind, rows):
    return [row for row in rows if isinstance(row, kind)]


def reasons(rows) -> list[str]:
    return [drop.reason for drop in of(Drop, rows)]


def folder(tmp_path, *episodes: Episode, **knobs) -> list:
    write_folder(tmp_path, list(episodes))
    return read(EpisodeSource(path=str(tmp_path), name="walks", **knobs))


def test_episodes_when_a_folder_is_read_then_each_step_is_an_item_with_history_and_plan(tmp_path):
    rows = folder(tmp_path, walk(4), episode(3))
    items = of(Item, rows)
    assert not of(Drop, rows)
    first, second, third, last = items[:4]
    assert [item.kind for item in items] == ["step"] * len(items)
    assert (first.text, first.reference, first.source) == (
        INSTRUCTION,
        "move forward 25 cm",
        "walks",
    )
    assert len(first.images) == 1
    assert first.meta == {
        "episode": "walk",
        "step": "0",
        "steps": "4",
        "history": "0",
        "next_actions": '["move forward 25 cm","move forward 25 cm","move forward 25 cm"]',
    }
    assert third.images == (*second.images, third.images[-1])
    assert last.reference == "stop"
    assert last.meta["next_actions"] == '["stop"]'
    assert len(items) == 4 + len(episode(3).actions)


def test_episodes_when_read_then_a_picture_comes_once_and_before_the_items_that_show_it(tmp_path):
    rows = folder(tmp_path, walk(12))
    seen: list[str] = []
    for row in rows:
        if isinstance(row, Picture):
            assert row.row.image_id not in seen
            seen.append(row.row.image_id)
        else:
            assert set(row.images) <= set(seen)
    assert len(seen) == len(set(seen)) == 12


def test_episodes_when_they_are_parquet_by_step_then_the_same_items_come_of_them(tmp_path):
    write_folder(tmp_path / "a", [episode(1), episode(2)])
    write_parquet(tmp_path / "b" / "steps.parquet", [episode(1), episode(2)])
    by_folder = read(EpisodeSource(path=str(tmp_path / "a"), name="rooms"))
    fields = {"reference": "action", "images": "image"}
    by_step = read(EpisodeSource(path=str(tmp_path / "b"), name="rooms", fields=fields))
    assert of(Item, by_step) == of(Item, by_folder)
    assert [p.data for p in of(Picture, by_step)] == [p.data for p in of(Picture, by_folder)]


def test_episodes_when_they_are_parquet_by_episode_with_bytes_then_they_are_read(tmp_path):
    one = walk(3)
    row = {"episode_id": 7, "instruction": INSTRUCTION, "frames": one.frames, "actions": ["↑"] * 3}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "e.parquet")
    items = of(Item, read(EpisodeSource(path=str(tmp_path / "e.parquet"))))
    assert [item.meta["episode"] for item in items] == ["7"] * 3


def test_history_when_it_is_long_then_even_and_the_first_is_always_kept(tmp_path):
    items = of(Item, folder(tmp_path, walk(13), history=4))
    order = [item.images[-1] for item in items]
    last = items[-1]
    assert len(last.images) == 5
    assert [order.index(image) for image in last.images] == [0, 4, 7, 11, 12]
    assert all(item.images[0] == order[0] for item in items)
    assert items[-1].meta["history"] == "4"
    assert [len(sampled(range(20), n)) for n in (0, 1, 2, 8)] == [0, 1, 2, 8]
    assert sampled(range(20), 1) == [0]
    assert sampled(range(20), 2) == [0, 19]


def test_frames_when_they_are_large_then_they_are_scaled_to_the_limit(tmp_path):
    large = walk(2, frames=[frame(9, (1280, 720)), frame(8, (300, 2000), "PNG")])
    pictures = of(Picture, folder(tmp_path, large))
    assert [(p.row.width, p.row.height) for p in pictures] == [(448, 252), (67, 448)]
    assert {p.row.format for p in pictures} == {"jpeg"}


def test_frames_when_one_is_broken_then_its_step_is_dropped_and_the_rest_goes_on(tmp_path):
    frames = [frame(n * 30) for n in range(6)]
    frames[2] = frames[2][:300]
    frames[3] = frame(1, (20_000, 4000), "PNG")
    frames[4] = b"no picture"
    write_folder(tmp_path, [walk(6, frames=frames), episode(5)])
    (tmp_path / "walk" / "001.png").unlink()
    rows = read(EpisodeSource(path=str(tmp_path)))
    assert reasons(rows) == ["missing_frame", "broken_image", "image_too_large", "broken_image"]
    assert "episodes.jsonl:1: episode walk, step 1: walk/001.png" in of(Drop, rows)[0].detail
    items = [item for item in of(Item, rows) if item.meta["episode"] == "walk"]
    assert [item.meta["step"] for item in items] == ["0", "5"]
    assert items[1].images[0] == items[0].images[0]
    assert items[1].meta["history"] == "1"
    assert len(of(Item, rows)) == 2 + len(episode(5).actions)


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("fly", "unknown_action"),
        ("turn left 20 degrees", "outside_grammar"),
        ("left then right", "several_actions"),
        ("", "no_action"),
        (None, "no_action"),
    ],
)
def test_actions_when_one_is_none_of_the_grammar_then_its_step_is_dropped_and_no_plan_crosses_it(
    tmp_path, action, reason
):
    rows = folder(tmp_path, walk(4, actions=["left", "left", action, "stop"]))
    assert reasons(rows) == [reason]
    assert [item.meta["next_actions"] for item in of(Item, rows)] == [
        '["turn left 15 degrees","turn left 15 degrees"]',
        '["turn left 15 degrees"]',
        '["stop"]',
    ]
    assert [item.meta["history"] for item in of(Item, rows)] == ["0", "1", "3"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (walk(0, actions=[]), "short_episode"),
        (walk(1), "short_episode"),
        (walk(3, actions=["stop"]), "unequal_lengths"),
        (walk(5, actions=["left"] * 8), "unequal_lengths"),
        (walk(3, instruction=" "), "no_text"),
        (walk(50), "long_episode"),
    ],
)
def test_episodes_when_one_will_not_do_then_one_drop_and_the_others_go_on(tmp_path, bad, reason):
    good = episode(4)
    rows = folder(tmp_path, bad, good, max_steps=40)
    assert reasons(rows) == [reason]
    assert len(of(Item, rows)) == len(good.actions)


def test_episodes_when_there_is_a_frame_after_the_last_action_then_it_is_left_out(tmp_path):
    rows = folder(tmp_path, walk(4, actions=["left", "left", "stop"]))
    assert len(of(Item, rows)) == 3
    assert not of(Drop, rows)


def test_episodes_when_a_row_is_no_episode_then_a_drop_and_no_plan_goes_across_it(tmp_path):
    lines = [
        json.dumps({"episode_id": "a", "instruction": INSTRUCTION, "action": "left", "frame": name})
        for name in ("0.jpg", "1.jpg", "2.jpg")
    ]
    for n in range(3):
        (tmp_path / f"{n}.jpg").write_bytes(frame(n * 40))
    torn = [lines[0], '{"episode_id": "a", ', lines[1], "[]", lines[2], '{"frame": "0.jpg"}']
    (tmp_path / "e.jsonl").write_text("\n".join(torn))
    fields = {"reference": "action", "images": "frame"}
    rows = read(EpisodeSource(path=str(tmp_path / "e.jsonl"), fields=fields))
    assert reasons(rows) == ["bad_json", "wrong_type", "missing_column"]
    assert [item.meta["next_actions"] for item in of(Item, rows)] == [
        '["turn left 15 degrees"]'
    ] * 3


def test_episodes_when_the_rows_of_one_do_not_stand_together_then_the_later_are_dropped(tmp_path):
    row = {"instruction": INSTRUCTION, "frames": ["0.jpg"] * 2, "actions": ["left", "stop"]}
    (tmp_path / "0.jpg").write_bytes(frame(1))
    lines = [json.dumps(row | {"episode_id": name}) for name in ("a", "b", "a")]
    (tmp_path / "e.jsonl").write_text("\n".join(lines))
    rows = read(EpisodeSource(path=str(tmp_path / "e.jsonl")))
    assert reasons(rows) == ["split_episode"]


def test_episodes_when_there_is_a_limit_then_so_many_steps(tmp_path):
    assert len(of(Item, folder(tmp_path, walk(9), limit=5))) == 5


def test_episodes_when_the_parquet_file_is_torn_then_a_drop(tmp_path):
    write_parquet(tmp_path / "e.parquet", [episode(1)])
    whole = (tmp_path / "e.parquet").read_bytes()
    (tmp_path / "e.parquet").write_bytes(whole[: len(whole) // 2])
    fields = {"reference": "action", "images": "image"}
    rows = read(EpisodeSource(path=str(tmp_path / "e.parquet"), fields=fields))
    assert reasons(rows) == ["unreadable_file"]


def test_episodes_when_the_settings_do_not_fit_then_config_error(tmp_path):
    with pytest.raises(ConfigError, match=r"holds no \.jsonl"):
        EpisodeSource(path=str(tmp_path)).parts()
    write_parquet(tmp_path / "e.parquet", [episode(1)])
    with pytest.raises(ConfigError, match=r"fields\.reference: .* no column 'actions'; did you"):
        EpisodeSource(path=str(tmp_path)).parts()

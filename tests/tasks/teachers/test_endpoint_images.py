"""Images on their way to a real HTTP server: count, order, size and type, text and parameters."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

import PIL.Image

from tests.annotator import Annotator
from tests.loopback import Loopback
from tests.mazes import episode, write_folder
from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.rows import Drop, Item, Trace, Verdict
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.recipes import Annotate
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.sources.episodes import EpisodeSource
from thoughtmill.tasks.steps.images import ImageLimits
from thoughtmill.tasks.synthesis.worker import lane_of
from thoughtmill.tasks.teachers.endpoint import Endpoint
from thoughtmill.warehouse.images import Picture, store
from thoughtmill.warehouse.storage import Storage

Build = Callable[..., Endpoint]
SAMPLING = Sampling(temperature=0.6, top_p=0.9, max_tokens=500)


def stored(tmp_path, count: int) -> tuple[Storage, list[Item], dict[str, Picture]]:
    """Items of drawn episodes, their frames in a lake's data folder."""
    write_folder(tmp_path / "rooms", [episode(number) for number in range(count)])
    source = EpisodeSource(path=str(tmp_path / "rooms"), frames=ImageLimits(longest_side=200))
    rows = [row for part in source.parts() for row in source.read(part, "run-1")]
    pictures = {row.row.image_id: row for row in rows if isinstance(row, Picture)}
    storage = Storage(str(tmp_path / "data"))
    store(storage, pictures.values())
    return storage, [row for row in rows if isinstance(row, Item)], pictures


def annotate(teacher: Endpoint, items: list[Item], storage: Storage, recipe: Annotate) -> list:
    lane = lane_of("run-1", recipe, teacher.identity)

    async def run() -> list:
        kits = [
            Kit(
                teacher,
                lane,
                item.item_id,
                0,
                trace_id(item.item_id, lane.recipe_fingerprint, lane.teacher_fingerprint, 0),
                storage=storage,
            )
            for item in items
        ]
        try:
            ended = await asyncio.gather(
                *(recipe(item, kit) for item, kit in zip(items, kits, strict=True))
            )
        finally:
            await teacher.close()
        return [row for rows in ended for row in rows]

    return asyncio.run(run())


def test_step_when_sent_then_the_server_gets_its_frames_in_order_and_the_parameters(
    server: Loopback, build: Build, tmp_path
) -> None:
    annotator = Annotator()
    server.replies = annotator.reply
    storage, items, pictures = stored(tmp_path, 1)
    item = items[-1]
    rows = annotate(build(), [item], storage, Annotate(sampling=SAMPLING))
    first, blind = annotator.seen
    assert [image.image_id for image in first.images] == list(item.images)
    assert len(first.images) == 9
    for image in first.images:
        row = pictures[image.image_id].row
        assert (image.mime, image.format, image.size) == ("image/jpeg", "JPEG", (200, 200))
        assert image.size == (row.width, row.height)
    # The last picture is the one the robot sees where it stops: on the ball.
    assert max(map(abs, first.images[0].ball or ())) > 1
    assert first.images[-1].ball is None or max(map(abs, first.images[-1].ball)) < 0.5
    assert first.kinds == ("image_url",) * 9 + ("text",)
    assert item.text in first.text
    assert "8 earlier views" in first.text
    assert f"the next action is {item.reference}." in first.text
    assert {k: v for k, v in first.body.items() if k != "messages"} == {
        "model": "loopback",
        "temperature": 0.6,
        "top_p": 0.9,
        "max_tokens": 500,
        "seed": rows[0].provenance.seed,
    }
    assert blind.images == ()
    assert blind.blind
    assert item.reference in blind.text  # by the reasoning, which the annotator ends with it
    assert "For you alone" not in blind.text
    assert blind.body["temperature"] == 0
    assert rows[0].answer == item.reference


def test_steps_when_the_server_errs_as_planned_then_the_verdicts_count_what_was_planted(
    server: Loopback, build: Build, tmp_path
) -> None:
    annotator = Annotator({"leak": 15, "wrong": 15, "muddled": 15, "open": 10, "mute": 10})
    server.replies = annotator.reply
    storage, items, _ = stored(tmp_path, 4)
    rows = annotate(build(), items, storage, Annotate(sampling=SAMPLING))
    traces = [row for row in rows if isinstance(row, Trace)]
    verdicts = [row for row in rows if isinstance(row, Verdict)]
    counted = {
        "leak": sum(v.reason == "leak" for v in verdicts),
        "wrong": sum(v.reason == "other_action" for v in verdicts),
        "muddled": sum(v.reason == "inconsistent" for v in verdicts),
        "open": sum(v.reason == "no_conclusion" for v in verdicts),
    }
    planted = annotator.planted
    assert counted == {fault: planted[fault] for fault in counted}
    assert min(planted.values()) > 0
    assert planted["none"] == len(items)
    assert len(traces) == sum(planted.values()) - planted["mute"]
    assert not [row for row in rows if isinstance(row, Drop)]
    ids = {trace.trace_id for trace in traces}
    assert all(trace.parent_trace_id in ids for trace in traces if trace.parent_trace_id)
    assert len(verdicts) == 3 * len(traces)


def test_step_when_the_picture_is_a_png_then_the_server_is_told_so(
    server: Loopback, build: Build, tmp_path
) -> None:
    annotator = Annotator()
    server.replies = annotator.reply
    encoded = io.BytesIO()
    PIL.Image.new("RGB", (5, 4)).save(encoded, "PNG")
    picture = Picture.of(encoded.getvalue(), format="png", width=5, height=4)
    storage = Storage(str(tmp_path))
    store(storage, [picture])
    item = Item(
        item_id="i",
        kind="problem",
        text="What is seen?",
        reference="nothing",
        source="s",
        images=(picture.row.image_id,),
    )
    annotate(build(), [item], storage, Annotate(sampling=SAMPLING))
    (image,) = annotator.seen[0].images
    assert (image.mime, image.format, image.size) == ("image/png", "PNG", (5, 4))

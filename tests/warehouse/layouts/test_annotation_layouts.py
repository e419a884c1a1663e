"""The renderings of annotated steps, and question-rationale-answer."""

from __future__ import annotations

import io
from pathlib import Path

import datasets
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.lakes import trace
from thoughtmill.schemas.rows import Item, Segment, Trace
from thoughtmill.warehouse.images import Picture, embed, store
from thoughtmill.warehouse.layouts.action_planning import ActionPlanning
from thoughtmill.warehouse.layouts.cot import Cot
from thoughtmill.warehouse.layouts.instruction import Instruction
from thoughtmill.warehouse.layouts.layout import RowLayout
from thoughtmill.warehouse.layouts.rationale import Rationale
from thoughtmill.warehouse.storage import Storage

STEP_LAYOUTS = (ActionPlanning, Cot, Instruction)


def picture(shade: int) -> Picture:
    encoded = io.BytesIO()
    PIL.Image.new("RGB", (16, 12), (shade, 0, 0)).save(encoded, "JPEG")
    return Picture.of(encoded.getvalue(), format="jpeg", width=16, height=12)


PICTURES = (picture(10), picture(200))


def step(at: int, steps: int = 3) -> Item:
    return Item(
        item_id="item-1",
        kind="step",
        text="Go to the {count} balls.",
        reference="turn left 15 degrees",
        images=tuple(p.row.image_id for p in PICTURES),
        source="rooms",
        meta={
            "episode": "e1",
            "step": str(at),
            "steps": str(steps),
            "history": "1",
            "next_actions": '["turn left 15 degrees","stop"]',
        },
    )


def annotated(**fields) -> Trace:
    segments = (
        Segment(kind="prompt", text="Secret.", trainable=False),
        Segment(kind="think", text="I was told.", trainable=False),
        Segment(kind="think", text="The ball is left.\n", trainable=True),
        Segment(kind="answer", text="Answer: turn left 15 degrees", trainable=True),
    )
    return trace(1, segments=segments, answer="turn left 15 degrees", **fields)


def table(layout: RowLayout, item: Item, of: Trace | None = None) -> pa.Table:
    rows = list(layout.rows(of or annotated(), item))
    return pa.Table.from_pylist(rows, schema=layout.schema)


def test_renderings_when_made_of_one_step_then_the_prompt_switches_and_the_columns_are_the_same():
    made = {layout.__name__: table(layout(), step(2)).to_pylist()[0] for layout in STEP_LAYOUTS}
    assert len({row["prompt"] for row in made.values()}) == 3
    assert {row["task"] for row in made.values()} == {"action_planning", "cot", "instruction"}
    assert made["ActionPlanning"]["response"] == "turn left 15 degrees, stop"
    assert "Name your next 2 actions" in made["ActionPlanning"]["prompt"]
    assert made["Cot"]["response"] == (
        "<think>\nThe ball is left.\n</think>\n\nturn left 15 degrees"
    )
    assert made["Instruction"]["response"] == "Go to the {count} balls."
    for row in made.values():
        assert row["images"] == list(step(2).images)
        assert (row["episode"], row["step"], row["rationale"]) == ("e1", 2, "The ball is left.")
    joined = pa.concat_tables([table(layout(), step(2)) for layout in STEP_LAYOUTS])
    assert joined.num_rows == 3
    assert "Go to the {count} balls." in made["Cot"]["prompt"]


def test_instruction_when_the_step_is_not_the_last_then_no_row():
    assert [table(Instruction(), step(at)).num_rows for at in range(3)] == [0, 0, 1]


@pytest.mark.parametrize("layout", STEP_LAYOUTS)
def test_rendering_when_the_item_is_no_step_then_no_row(layout):
    problem = Item(item_id="i", kind="problem", text="1 + 1", reference="2", source="s")
    assert table(layout(), problem).num_rows == 0


def test_rationale_when_text_or_step_then_question_rationale_answer():
    problem = Item(
        item_id="i", kind="problem", text="1 + 1", reference="2", choices=("1", "2"), source="s"
    )
    (row,) = table(Rationale(), problem).to_pylist()
    assert (row["question"], row["rationale"], row["reference"]) == (
        "1 + 1",
        "The ball is left.",
        "2",
    )
    assert (row["choices"], row["images"], row["answer"]) == (
        ["1", "2"],
        [],
        "turn left 15 degrees",
    )
    bare = trace(1, segments=(Segment(kind="answer", text="2", trainable=True),))
    assert table(Rationale(), problem, bare).num_rows == 0


@pytest.mark.parametrize("layout", [*STEP_LAYOUTS, Rationale])
def test_images_when_embedded_then_datasets_reads_them_as_images(layout, tmp_path: Path):
    storage = Storage(str(tmp_path / "data"))
    store(storage, PICTURES)
    ids_only = layout()
    assert embed(table(ids_only, step(2)), storage) == table(ids_only, step(2))
    chosen = layout(images="embedded")
    filled = embed(table(chosen, step(2)), storage)
    assert filled.schema.equals(chosen.schema, check_metadata=True)
    pq.write_table(filled, tmp_path / "train.parquet")
    loaded = datasets.load_dataset(
        "parquet",
        data_files=str(tmp_path / "train.parquet"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert isinstance(loaded.features["images"].feature, datasets.Image)
    images = loaded[0]["images"]
    assert [image.size for image in images] == [(16, 12)] * 2
    shades = [image.getpixel((5, 5))[0] for image in images]
    assert abs(shades[0] - 10) < 8
    assert abs(shades[1] - 200) < 8

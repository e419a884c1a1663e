from __future__ import annotations

import io

import PIL.Image
import pytest

from thoughtmill.schemas.errors import LakeError, TeacherError
from thoughtmill.schemas.rows import Item
from thoughtmill.tasks.steps.images import ImageLimits, data_url, decoded, image_parts, image_urls
from thoughtmill.warehouse.images import Picture, store
from thoughtmill.warehouse.storage import Storage

LIMITS = ImageLimits()


def encoded(image: PIL.Image.Image, format: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_prepared_when_any_usual_format_then_a_jpeg_of_its_size(format):
    picture = LIMITS.prepared(encoded(PIL.Image.new("RGB", (60, 40), "red"), format))
    assert isinstance(picture, Picture)
    row = picture.row
    assert (row.format, row.width, row.height, row.bytes) == ("jpeg", 60, 40, len(picture.data))
    assert row.path == f"images/{row.image_id[:2]}/{row.image_id}.jpg"
    with PIL.Image.open(io.BytesIO(picture.data)) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (60, 40), "RGB")


@pytest.mark.parametrize(
    ("size", "scaled"),
    [((448, 448), (448, 448)), ((896, 448), (448, 224)), ((20_000, 1000), (448, 22))],
)
def test_prepared_when_large_then_scaled_to_the_longest_side(size, scaled):
    for format in ("PNG", "JPEG"):
        picture = LIMITS.prepared(encoded(PIL.Image.new("L", size, 90), format))
        assert (picture.row.width, picture.row.height) == scaled


def test_prepared_when_20000_by_20000_then_refused_without_decoding():
    bomb = encoded(PIL.Image.new("1", (20_000, 20_000)), "PNG")
    assert LIMITS.prepared(bomb).reason == "image_too_large"
    wide = encoded(PIL.Image.new("1", (20_000, 4_000)), "PNG")
    assert LIMITS.prepared(wide).reason == "image_too_large"
    assert ImageLimits(max_pixels=100).prepared(encoded(PIL.Image.new("L", (20, 20)), "PNG"))[
        0
    ] == ("image_too_large")


def test_prepared_when_alpha_or_rotation_then_white_ground_and_upright():
    clear = LIMITS.prepared(encoded(PIL.Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG"))
    with PIL.Image.open(io.BytesIO(clear.data)) as image:
        assert image.getpixel((4, 4)) == (255, 255, 255)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    turned = LIMITS.prepared(encoded(PIL.Image.new("RGB", (60, 40)), exif=exif))
    assert (turned.row.width, turned.row.height) == (40, 60)


def test_prepared_when_bytes_are_bad_then_a_reason():
    whole = encoded(PIL.Image.effect_noise((200, 200), 50))
    for cut in (0, 1, 100, len(whole) // 2, len(whole) - 20):
        refusal = LIMITS.prepared(whole[:cut])
        assert refusal.reason == ("broken_image" if cut else "no_image")
        assert refusal.detail
    png = encoded(PIL.Image.effect_noise((200, 200), 50), "PNG")
    assert LIMITS.prepared(png[:2000]).reason == "broken_image"
    assert LIMITS.prepared(b"GIF89a").reason == "broken_image"
    assert LIMITS.prepared(b"%PDF-1.4").reason == "broken_image"


def test_prepared_when_the_same_bytes_then_the_same_id():
    raw = encoded(PIL.Image.new("RGB", (600, 40), "red"))
    assert LIMITS.prepared(raw).row == LIMITS.prepared(raw).row


def test_image_parts_when_read_back_then_the_stored_bytes_in_order(tmp_path):
    storage = Storage(str(tmp_path))
    pictures = [LIMITS.prepared(encoded(PIL.Image.new("RGB", (9, n), "red"))) for n in (3, 5)]
    store(storage, pictures)
    ids = tuple(picture.row.image_id for picture in pictures)
    item = Item(item_id="i", kind="step", text="t", source="s", images=ids)
    parts = image_parts(storage, item)
    messages = [{"role": "user", "content": [*parts, {"type": "text", "text": "x"}]}]
    urls = image_urls([*messages, {"role": "user", "content": "plain"}])
    assert urls == [data_url("jpeg", picture.data) for picture in pictures]
    assert [decoded(url).size for url in urls] == [(9, 3), (9, 5)]
    with pytest.raises(LakeError, match="no image ffff"):
        image_parts(storage, item.model_copy(update={"images": ("f" * 32,)}))
    with pytest.raises(LakeError, match="no lake"):
        image_parts(None, item)
    assert image_parts(None, item.model_copy(update={"images": ()})) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/frame.jpg",
        "file:///etc/passwd",
        "data:image/jpeg;base64,####",
        "data:image/jpeg;base64,AAAA",
        "data:text/plain;base64,AAAA",
    ],
)
def test_decoded_when_not_an_image_in_base64_then_teacher_error(url):
    with pytest.raises(TeacherError):
        decoded(url)

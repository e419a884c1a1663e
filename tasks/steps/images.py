"""Pictures: from whatever bytes a source has to what the lake keeps, and on to a chat message.

It owns decoding, scaling and encoding (Pillow).  A picture that can't be had is a reason, never an
error; one that would not fit into memory is never decoded.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import PIL.Image
import PIL.ImageOps
from pydantic import Field

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.errors import LakeError, TeacherError
from thoughtmill.schemas.rows import Item
from thoughtmill.warehouse.images import Picture, load
from thoughtmill.warehouse.storage import Storage

_DECODERS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
_DATA_URL = "data:image/"
# What Pillow's decoders raise for bytes that are cut short or garbled.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError)


class Refusal(NamedTuple):
    """Why there is no picture."""

    reason: str
    """`no_image`, `broken_image` or `image_too_large`."""
    detail: str


class ImageLimits(Frozen):
    """How pictures are kept: scaled to a limit, always JPEG."""

    longest_side: int = Field(default=448, gt=0)
    """Longest side in pixels; larger pictures are scaled down, smaller ones stay as they are."""
    quality: int = Field(default=90, ge=1, le=95)
    """JPEG quality."""
    max_pixels: int = Field(default=64_000_000, gt=0)
    """Pixels a picture may have when decoded; a larger one is not decoded at all."""

    def prepared(self, raw: bytes) -> Picture | Refusal:
        """The picture as the lake keeps it.  Alpha goes on white, a camera's rotation is applied.

        Same bytes, same Pillow, same id; another release of its JPEG encoder may give another.
        """
        if not raw:
            return Refusal("no_image", "no bytes")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
                with PIL.Image.open(io.BytesIO(raw), formats=_DECODERS) as opened:
                    return self._scaled(opened)
        except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as exc:
            return Refusal("image_too_large", _line(exc))
        except PIL.UnidentifiedImageError:
            return Refusal("broken_image", f"{len(raw)} bytes that are no {'/'.join(_DECODERS)}")
        except _BROKEN as exc:
            return Refusal("broken_image", _line(exc))

    def _scaled(self, opened: PIL.Image.Image) -> Picture | Refusal:
        size = opened.size
        side = self.longest_side
        if max(size) > side:
            # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size.
            opened.draft("RGB", (2 * side, 2 * side))
        if opened.width * opened.height > self.max_pixels:
            return Refusal(
                "image_too_large", f"{size[0]} x {size[1]} pixels, max_pixels is {self.max_pixels}"
            )
        image = _on_white(PIL.ImageOps.exif_transpose(opened))
        if max(image.size) > side:
            scale = side / max(image.size)
            width, height = (max(1, round(length * scale)) for length in image.size)
            image = image.resize((width, height), PIL.Image.Resampling.LANCZOS, reducing_gap=3.0)
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=self.quality)
        return Picture.of(encoded.getvalue(), format="jpeg", width=image.width, height=image.height)


def image_parts(storage: Storage | None, item: Item) -> list[dict[str, Any]]:
    """The images of an item as OpenAI content parts, in order.  Reads files: off the event loop.

    Raises `LakeError` where the lake lacks one.
    """
    if not item.images:
        return []
    if storage is None:
        raise LakeError(f"item {item.item_id} has images, and there is no lake to read them from")
    return [
        {"type": "image_url", "image_url": {"url": data_url(*load(storage, image_id))}}
        for image_id in item.images
    ]


def data_url(format: str, data: bytes) -> str:
    """An image as a `data:` URL."""
    return f"{_DATA_URL}{format};base64,{base64.b64encode(data).decode()}"


def decoded(url: str) -> PIL.Image.Image:
    """The image of a `data:` URL.  Raises `TeacherError` for any other URL: nothing is fetched."""
    head, comma, body = url.partition(",")
    if not comma or not head.startswith(_DATA_URL) or not head.endswith(";base64"):
        raise TeacherError(f"an image must be a data: URL in base64, not {url[:40]!r}")
    try:
        image = PIL.Image.open(io.BytesIO(base64.b64decode(body, validate=True)), formats=_DECODERS)
        return image.convert("RGB")
    except (binascii.Error, *_BROKEN) as exc:
        raise TeacherError(f"an image of the chat can't be decoded: {_line(exc)}") from exc


def image_urls(messages: Sequence[dict[str, Any]]) -> list[str]:
    """The URLs of all image parts of a chat, in order."""
    return [
        part["image_url"]["url"]
        for message in messages
        if isinstance(message["content"], list | tuple)
        for part in message["content"]
        if part["type"] == "image_url"
    ]


def _on_white(image: PIL.Image.Image) -> PIL.Image.Image:
    if image.has_transparency_data:
        ground = PIL.Image.new("RGBA", image.size, "white")
        return PIL.Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    image.load()
    return image.convert("RGB")


def _line(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {' '.join(str(exc).split())[:200]}"

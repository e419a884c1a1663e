"""Images of a lake: stored once, by content, and pointed at by id.

A file lies at `images/<first two hex digits>/<id>.<extension>` below the data path; the table
`images` says how large it is.  Decoding and scaling belong to the sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.rows import Image
from thoughtmill.warehouse.storage import Storage

FOLDER = "images"
EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp"}
"""File name extensions by `Image.format`."""
EMBEDDED = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""How Hugging Face `datasets` keeps an image in Parquet (its `Image` feature)."""


@dataclass(frozen=True)
class Picture:
    """An image on its way into the lake: its row and its bytes."""

    row: Image
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, data: bytes, *, format: str, width: int, height: int) -> Picture:
        """The picture of encoded bytes; its id is their hash."""
        image_id = hashlib.blake2b(data, digest_size=16).hexdigest()
        row = Image(
            image_id=image_id,
            path=path_of(image_id, format),
            format=format,
            width=width,
            height=height,
            bytes=len(data),
        )
        return cls(row, data)


def path_of(image_id: str, format: str) -> str:
    """Where an image lies, relative to the data path."""
    return f"{FOLDER}/{image_id[:2]}/{image_id}.{EXTENSIONS[format]}"


def store(storage: Storage, pictures: Iterable[Picture]) -> None:
    """Write pictures.  One that is there is written again, so that a sweep finds it young."""
    for picture in pictures:
        storage.write_bytes(picture.row.path, picture.data)


def load(storage: Storage, image_id: str) -> tuple[str, bytes]:
    """Format and bytes of an image.  Raises `LakeError` where the lake has none of that id."""
    for format in EXTENSIONS:
        data = storage.read_bytes(path_of(image_id, format))
        if data is not None:
            return format, data
    raise LakeError(f"no image {image_id} below {storage.url(FOLDER)}")


def embedded(storage: Storage, image_id: str) -> dict[str, Any]:
    """An image as the value of an `EMBEDDED` column: its bytes, and its file name."""
    format, data = load(storage, image_id)
    return {"bytes": data, "path": path_of(image_id, format).rsplit("/", 1)[1]}


def embed(table: pa.Table, storage: Storage) -> pa.Table:
    """`table` with the bytes of all images in its `EMBEDDED` columns; other tables as they are.

    Layouts fill in the ids alone, as `path`.  A list of images is a column of lists.
    """
    for at, column in enumerate(table.schema):
        if column.type == EMBEDDED:
            values = [v and embedded(storage, v["path"]) for v in table.column(at).to_pylist()]
        elif pa.types.is_list(column.type) and column.type.value_type == EMBEDDED:
            values = [
                v and [embedded(storage, one["path"]) for one in v]
                for v in table.column(at).to_pylist()
            ]
        else:
            continue
        table = table.set_column(at, column, pa.array(values, type=column.type))
    return table


def with_features(schema: pa.Schema) -> pa.Schema:
    """A schema that tells `datasets` which of its columns are images; others are told by type."""
    features = {column.name: _feature(column.type) for column in schema}
    told = orjson.dumps({"info": {"features": features}})
    return schema.with_metadata({**(schema.metadata or {}), b"huggingface": told})


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if kind == EMBEDDED:
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"_type": "List", "feature": _feature(kind.value_type)}
    return {"_type": "Value", "dtype": str(kind)}

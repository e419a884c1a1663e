"""Settings of an export: what is published, laid out how, in which formats."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from thoughtmill.schemas.base import Frozen
from thoughtmill.warehouse.layouts import AnyLayout, Text


class Tokenize(Frozen):
    """Counting tokens with a named tokenizer; also its ids, a loss mask, and packed sequences."""

    tokenizer: str
    """Hugging Face id or folder of a fast tokenizer."""
    revision: str | None = None
    """Branch, tag or commit on Hugging Face."""
    chat_template_args: dict[str, Any] = Field(default_factory=dict)
    """Passed to the chat template, such as `enable_thinking`."""
    ids: bool = True
    """Publish `input_ids` and `loss_mask`, not the count alone: loss on all of a plain text, on the
    assistant's turns of a conversation."""
    end: bool = True
    """End a plain text with the tokenizer's end token."""
    pack: int | None = Field(default=None, gt=0, le=1 << 20)
    """Pack whole rows into sequences of at most so many tokens, best fit first."""
    long: Literal["drop", "split"] = "drop"
    """A row longer than a sequence is left out and counted, or cut into several."""
    pad: bool = False
    """Fill sequences up to the length, without loss and with segment id 0."""
    window: int = Field(default=20_000, gt=0)
    """Rows packed at a time: sequences come in the rows' order but for so many."""

    @model_validator(mode="after")
    def _fits_together(self) -> Tokenize:
        if self.pack is not None and not self.ids:
            raise ValueError("`pack` packs token ids: remove `ids: false`")
        if self.pad and self.pack is None:
            raise ValueError("`pad` fills up packed sequences: give `pack` their length")
        return self


class ExportSettings(Frozen):
    """What is published, and in which form."""

    folder: str
    """Folder to make; an earlier export in it is replaced once the new one is complete."""
    where: str = "true"
    """SQL predicate over the columns of the view `samples`."""
    query: str | None = None
    """A whole SQL query to publish instead of a layout of `where`."""
    layout: AnyLayout = Text()
    """How a trace becomes rows; its name alone where its settings stay as they are."""
    columns: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Columns to publish, in this order; all of the layout's where null."""
    tokens: Tokenize | None = None
    """Count, encode or pack with a tokenizer; a string is its name."""
    jsonl: bool = True
    """Also write one JSON object a line."""
    webdataset: bool = False
    """Also write WebDataset shards: tar files of one JSON file a row."""
    shard_rows: int = Field(default=1_000_000, gt=0)
    """Most rows of one Parquet file."""
    memory: str = Field(default="1GB", pattern=r"^\d+(\.\d+)?\s*[KMG]i?B$")
    """Working memory of the queries; what does not fit is spilled to disk."""
    snapshot: int | None = Field(default=None, ge=0)
    """Publish the lake as it was at this snapshot; the newest where null."""

    @field_validator("layout", mode="before")
    @classmethod
    def _layout_by_name(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("tokens", mode="before")
    @classmethod
    def _tokenizer_by_name(cls, value: Any) -> Any:
        return {"tokenizer": value} if isinstance(value, str) else value

"""Traces that are too short or too long."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import polars as pl
import pyarrow as pa
from pydantic import Field, model_validator

from thoughtmill.tasks.screens.screen import Part, RowScreen, findings, text_of


class Length(RowScreen):
    """Bounds on the length of a part, in characters or (the thought) in the teacher's tokens."""

    version: ClassVar[int] = 2
    kind: Literal["length"] = "length"
    part: Part = "thought"
    """item, thought or answer."""
    unit: Literal["tokens", "characters"] = "tokens"
    """The teacher's tokens, or characters."""
    least: int = Field(default=1, ge=0)
    """Shortest length that passes."""
    most: int | None = Field(default=None, gt=0)
    """Longest length that passes; any where null."""

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if self.unit == "tokens" and self.part != "thought":
            raise ValueError(
                f"only a thought's tokens are known: set unit to characters for part {self.part!r}"
            )
        if self.most is not None and self.most < self.least:
            raise ValueError(f"most ({self.most}) is below least ({self.least})")
        return self

    def judge(self, rows: pa.RecordBatch) -> pa.Table:
        if self.unit == "characters":
            texts = pl.Series("length", pl.from_arrow(text_of(rows, [self.part])))
            rows = rows.append_column("length", texts.str.len_chars().to_arrow())
            length = pl.col("length")
        else:  # an endpoint that tells no token ids tells how many it wrote
            known = pl.col("thought_tokens")
            nothing = pl.col("thought").fill_null("").str.len_bytes() == 0
            written = pl.when(nothing).then(0).otherwise("completion_tokens")
            length = pl.when(known > 0).then(known).otherwise(written)
        long = pl.lit(False) if self.most is None else length > self.most
        reason = pl.coalesce(
            pl.when(length < self.least).then(pl.lit("too_short")),
            pl.when(long).then(pl.lit("too_long")),
        )
        return findings(rows, reason, pl.format(f"{{}} {self.unit}", length))

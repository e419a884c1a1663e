"""How a row becomes an item, and which values will do.

Owns every reason for which a readable row is dropped; reading rows belongs to the formats.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal

from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.rows import Item
from thoughtmill.tasks.sources.fields import ABSENT, Fields, value_at
from thoughtmill.tasks.sources.jsontext import Flaw, Number, dump, parse


class _MisfitError(Exception):
    """A value that will not do.  Never leaves this module: `Mapper` turns it into a `Flaw`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Mapper:
    """Makes items of the rows of one source."""

    fields: Fields
    kind: Literal["document", "problem", "step"]
    source: str
    domain: str | None
    max_chars: int

    def __call__(self, number: int, row: Any) -> Item | Flaw:
        """The item of a row, or its flaw; values beyond text in text columns are never guessed."""
        try:
            return self._item(row)
        except _MisfitError as misfit:
            return Flaw(number, misfit.reason, misfit.detail)
        except RecursionError:
            return Flaw(number, "wrong_type", "nested too deep")

    def _item(self, row: Any) -> Item:
        if not isinstance(row, Mapping):
            raise _MisfitError("wrong_type", f"the row is {_called(row)}, not an object")
        fields = self.fields
        text = self._sound(fields.text, _text(fields.text, _required(row, fields.text)))
        reference = None
        if column := fields.reference:
            reference = self._scalar(column, _required(row, column))
        choices = self._texts(row, fields.choices)
        images = self._texts(row, fields.images)
        return Item(
            item_id=content_hash("item", self.kind, text, reference, list(choices), list(images)),
            kind=self.kind,
            text=text,
            reference=reference,
            choices=choices,
            images=images,
            domain=self._domain(row),
            source=self.source,
            meta=self._meta(row),
        )

    def _domain(self, row: Mapping[str, Any]) -> str | None:
        column = self.fields.domain
        value = value_at(row, column) if column else ABSENT
        found = None if value is ABSENT else self._scalar(str(column), value)
        return found or self.domain

    def _meta(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Mapped columns as text; a row may lack some, and nulls are left out."""
        meta = {}
        for column in self.fields.meta:
            value = value_at(row, column)
            if value is ABSENT or value is None:
                continue
            meta[column] = self._sound(column, _spelled(column, value))
        return meta

    def _texts(self, row: Mapping[str, Any], column: str | None) -> tuple[str, ...]:
        value = _required(row, column) if column else None
        if column is None or value is None:
            return ()
        if isinstance(value, str) and not isinstance(value, Number):
            raw = self._sound(column, value).encode()
            value = parse(raw, 0) if raw.startswith(b"[") else [value]
        texts = [self._scalar(column, v) for v in value] if _listlike(value) else [None]
        if any(text is None for text in texts):
            raise _MisfitError("wrong_type", f"{column} is not a list of texts")
        return tuple(text for text in texts if text is not None)

    def _scalar(self, column: str, value: Any) -> str | None:
        """One value as text; null, NaN and blank text are all "not there"."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        if isinstance(value, Mapping) or _listlike(value):
            raise _MisfitError("wrong_type", f"{column} is {_called(value)}, not text or a number")
        text = self._sound(column, _spelled(column, value))
        return text if text.strip() else None

    def _sound(self, column: str, text: str) -> str:
        """`text`, if every later part can hold it."""
        if len(text) > self.max_chars:
            raise _MisfitError(
                "too_long", f"{column} has {len(text)} characters, max_chars is {self.max_chars}"
            )
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as exc:
            raise _MisfitError("not_utf8", f"{column} at character {exc.start + 1}") from None
        # PostgreSQL text can't hold NUL, and DuckLake keeps column statistics in its catalog.
        if "\0" in text:
            raise _MisfitError("nul_byte", f"{column} at character {text.index(chr(0)) + 1}")
        return text


def _required(row: Mapping[str, Any], column: str) -> Any:
    value = value_at(row, column)
    if value is ABSENT:
        raise _MisfitError("missing_column", f"no {column}")
    return value


def _text(column: str, value: Any) -> str:
    """A value that has to be text already."""
    if isinstance(value, bytes):
        value = _decoded(column, value)
    if not isinstance(value, str) or isinstance(value, Number):
        raise _MisfitError("wrong_type", f"{column} is {_called(value)}, not text")
    if not value.strip():
        raise _MisfitError("no_text", f"{column} is empty")
    return value


def _spelled(column: str, value: Any) -> str:
    """Any value as text: text and numbers as they are, dates in ISO form, the rest as JSON."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return _decoded(column, value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return str(value)
    return dump(value)


def _decoded(column: str, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise _MisfitError("not_utf8", f"{column} at byte {exc.start + 1}") from None


def _listlike(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _called(value: Any) -> str:
    """What a person calls a value of this type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, (Number, int, float, Decimal)):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if _listlike(value) else f"a {type(value).__name__}"

"""Which column of a source is what, and whether the source has those columns."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.errors import ConfigError


class Fields(Frozen):
    """Columns of a source by what they mean.  A dot leads into a column: `meta.url`."""

    text: str = "text"
    """Column of the document or the problem statement."""
    reference: str | None = None
    """Column of the gold answer; a number stays as it was written."""
    choices: str | None = None
    """Column of the options: a list of texts, or a text that is a JSON array."""
    images: str | None = None
    """Column of the content ids of the images: a text, or a list of texts."""
    domain: str | None = None
    """Column of the subject, in place of the source's `domain`."""
    meta: tuple[str, ...] = ()
    """Columns to carry along as text."""

    def columns(self) -> Iterator[tuple[str, str]]:
        """Pairs of setting and mapped column."""
        for setting in ("text", "reference", "choices", "images", "domain"):
            if column := getattr(self, setting):
                yield setting, column
        yield from (("meta", column) for column in self.meta)


ABSENT = object()
"""What `value_at` finds where a row has no such column; null is a value."""


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """The value under a column's own name, else under its dotted path, else `ABSENT`."""
    if path in row:
        return row[path]
    head, _, rest = path.partition(".")
    inner = row.get(head)
    return value_at(inner, rest) if rest and isinstance(inner, Mapping) else ABSENT


def check_columns(fields: Fields, sample: Sequence[Mapping[str, Any]], where: str) -> None:
    """Raise `ConfigError` for a mapped column that no row of the sample has."""
    for setting, column in fields.columns() if sample else ():
        if all(value_at(row, column) is ABSENT for row in sample):
            there = list(dict.fromkeys(name for row in sample for name in _names(row)))
            near = difflib.get_close_matches(column, there, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            listed = ", ".join(there[:30]) + (", …" if len(there) > 30 else "") or "none"
            raise ConfigError(
                printable(
                    f"fields.{setting}: {where} has no column {column!r}{hint} (columns: {listed})"
                )
            )


def printable(text: str) -> str:
    """`text` with lone surrogates (a file name, a header of bad bytes) spelled out."""
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _names(row: Mapping[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        yield str(name)
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)

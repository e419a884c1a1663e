"""Which column of a source is what, and whether the source has those columns."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import model_validator

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.paths import ABSENT, columns_of, names_of, value_at

Gold = Literal["text", "letter", "index", "index_from_1", "label"]
"""How a gold answer names its option."""


class Wanted(NamedTuple):
    """Columns of which a source must have one."""

    setting: str
    columns: tuple[str, ...]
    optional: bool = False
    """Whether rows may lack it."""


class Fields(Frozen):
    """Columns of a source by what they mean.

    A dot leads into a column: `meta.url`, `prompt.0.content`, `messages.user` (what the user says).
    """

    text: str | tuple[str, ...] = "text"
    """Column of the document or the problem; of a list the first that has text; a template builds
    it from several: `"{instruction}\\n\\n{input}"`, without the paragraphs that stay empty."""
    reference: str | tuple[str, ...] | None = None
    """Column of the gold answer, or the first of several that has one; a number stays as it was
    written, a list of answers means any of them, of a solution the box or what follows `####` is
    the gold and the whole goes to `meta.solution`."""
    choices: str | tuple[str, ...] | None = None
    """Column of the options: a list, an object by label, a text that is JSON or `A) … B) …`; of a
    list of columns each is one option."""
    gold: Gold | None = None
    """How the gold names its option; a bare number among options is refused without it."""
    labels: str | None = None
    """Column of the options' labels, where they stand beside the options."""
    shuffle: bool = False
    """Put the options in an order that their problem's text decides: for sources whose right
    option is always the same one."""
    images: str | None = None
    """Column of the content ids of the images: a text, or a list of texts."""
    domain: str | None = None
    """Column of the subject, in place of the source's `domain`."""
    tests: str | tuple[str, ...] | dict[str, str] | None = None
    """Column of the tests of a program, or several as an object: `{test_list: test_list, …}`."""
    constraints: str | dict[str, str] | None = None
    """Column of IFEval's constraints, or two: `{ids: instruction_id_list, kwargs: kwargs}`."""
    meta: tuple[str, ...] | dict[str, str | tuple[str, ...]] = ()
    """Columns to carry along as text, under their own names or under those given here."""

    @model_validator(mode="after")
    def _gold_of_options(self) -> Fields:
        if self.gold and not self.choices:
            raise ValueError("`gold` says how the answer names its option: map `choices` too")
        if self.gold == "label" and not self.choices:
            raise ValueError("`gold: label` needs `choices` with labels")
        return self

    @property
    def kept(self) -> dict[str, str | tuple[str, ...]]:
        """Name in the item's meta, and column."""
        return self.meta if isinstance(self.meta, dict) else {name: name for name in self.meta}

    def columns(self) -> Iterator[Wanted]:
        """Settings and the columns that they need."""
        yield from _wanted("text", self.text)
        yield from _wanted("reference", self.reference)
        if isinstance(self.choices, tuple):
            yield from (Wanted("choices", (column,)) for column in self.choices)
        elif self.choices:
            yield Wanted("choices", (self.choices,))
        for setting in ("labels", "images", "domain"):
            yield from _wanted(setting, getattr(self, setting))
        for setting, value in (("tests", self.tests), ("constraints", self.constraints)):
            if isinstance(value, dict):
                yield from (Wanted(setting, (column,), True) for column in value.values())
            else:
                yield from _wanted(setting, value)
        for column in self.kept.values():
            yield from (found._replace(optional=True) for found in _wanted("meta", column))


def _wanted(setting: str, column: str | tuple[str, ...] | None) -> Iterator[Wanted]:
    if isinstance(column, tuple):
        yield Wanted(setting, column)
    elif column:
        yield from (Wanted(setting, (one,)) for one in columns_of(column))


def check_columns(
    fields: Fields,
    sample: Sequence[Any],
    where: str,
    turns_up: Callable[[str], bool] = lambda column: False,
    lenient: Fields | None = None,
) -> None:
    """Raise `ConfigError` for a mapped column that neither the sample nor `turns_up` has.

    What a preset (`lenient`) would carry along may be absent: publishers leave columns out.
    """
    spared = (
        {w for w in lenient.columns() if w.optional or w.setting == "domain"} if lenient else ()
    )
    for wanted in fields.columns() if sample else ():
        if wanted in spared:
            continue
        if any(value_at(row, c) is not ABSENT for row in sample for c in wanted.columns):
            continue
        if any(turns_up(column) for column in wanted.columns):
            continue
        there = list(dict.fromkeys(name for row in sample for name in names_of(row)))
        near = difflib.get_close_matches(wanted.columns[0], there, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        named = " or ".join(map(repr, wanted.columns))
        raise ConfigError(
            printable(
                f"fields.{wanted.setting}: {where} has no column {named}{hint}"
                f" (columns: {listed(there)})"
            )
        )


def listed(names: Sequence[str]) -> str:
    """Column names for a message."""
    return ", ".join(names[:30]) + (", …" if len(names) > 30 else "") or "none"


def printable(text: str) -> str:
    """`text` with lone surrogates (a file name, a header of bad bytes) spelled out."""
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def first_value(row: Any, columns: Sequence[str], empty: Callable[[Any], bool]) -> Any:
    """The first value that is not empty; else null where a column is there; else `ABSENT`."""
    there: Any = ABSENT
    for column in columns:
        value = value_at(row, column)
        if value is not ABSENT:
            if not empty(value):
                return value
            there = None if there is ABSENT else there
    return there


def object_of(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any] | None:
    """Several columns as one object, without those that are null; None where all are."""
    found = {name: value_at(row, column) for name, column in columns.items()}
    kept = {name: value for name, value in found.items() if value not in (ABSENT, None)}
    return kept or None

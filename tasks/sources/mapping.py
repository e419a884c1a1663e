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
from thoughtmill.tasks.sources.fields import Fields, first_value, object_of
from thoughtmill.tasks.sources.golds import gold_of
from thoughtmill.tasks.sources.jsontext import Flaw, Number, dump, parse
from thoughtmill.tasks.sources.options import (
    OptionsError,
    bare,
    named,
    number_of,
    order_of,
    read_options,
    unclear,
)
from thoughtmill.tasks.sources.paths import (
    ABSENT,
    SEVERAL,
    columns_of,
    filled,
    is_template,
    turns_of,
    value_at,
)


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
        if not isinstance(row, Mapping) and not (_listlike(row) and self._reads_lists):
            raise _MisfitError("wrong_type", f"the row is {_called(row)}, not an object")
        meta = self._meta(row)
        text = self._statement(row, meta)
        images = self._texts(row, self.fields.images)
        choices: tuple[str, ...] = ()
        if self.fields.choices:
            reference, choices = self._choice(row, text)
        else:
            reference = self._gold(row, meta)
        return Item(
            item_id=content_hash("item", self.kind, text, reference, list(choices), list(images)),
            kind=self.kind,
            text=text,
            reference=reference,
            choices=choices,
            images=images,
            domain=self._domain(row),
            source=self.source,
            meta=meta,
        )

    @property
    def _reads_lists(self) -> bool:
        """Whether a row may be a list: the text is then at a place in it."""
        text = self.fields.text
        first = text if isinstance(text, str) else text[0]
        return columns_of(first)[0].partition(".")[0].isdigit()

    def _statement(self, row: Any, meta: dict[str, str]) -> str:
        """The document or the problem; of a conversation its one user turn."""
        column = self.fields.text
        if isinstance(column, tuple):
            value = first_value(row, column, _is_empty)
            return self._sound(column[0], _text(column[0], _there(column[0], value)))
        if is_template(column):
            return self._sound("text", _text("text", self._built(row, column)))
        value = _required(row, column)
        turns = turns_of(value)
        if turns is None:
            return self._sound(column, _text(column, value))
        for role, name in (("system", "system"), ("assistant", "reply")):
            if any(turn.role == role for turn in turns):
                said = _there(column, value_at(value, role))
                meta.setdefault(name, self._sound(column, _spelled(column, said)))
        if {turn.role for turn in turns} - {"system", "user", "assistant"}:
            raise _MisfitError("several_turns", f"{column} has turns of tools or other roles")
        return self._sound(column, _text(column, _there(column, value_at(value, "user"))))

    def _built(self, row: Any, template: str) -> str:
        """A text from several columns; one that a row lacks counts as empty if another has text."""
        values = {}
        for column in columns_of(template):
            value = value_at(row, column)
            shown = None if value is ABSENT else self._scalar(column, _there(column, value))
            values[column] = shown or ""
        if not any(values.values()):
            raise _MisfitError("no_text", f"{', '.join(values)} are empty")
        return filled(template, values)

    def _gold(self, row: Any, meta: dict[str, str]) -> str | None:
        """The gold answer; a list means any of them, and a solution is parted from its answer."""
        column = self.fields.reference
        if not column:
            return None
        columns = (column,) if isinstance(column, str) else column
        value = _there(columns[0], first_value(row, columns, _is_empty))
        if not _listlike(value):
            return self._parted(self._scalar(columns[0], value), meta)
        several = [self._scalar(columns[0], one) for one in value]
        golds = list(dict.fromkeys(one for one in several if one is not None))
        if len(golds) > 1:
            meta["golds"] = dump(golds)
        return self._parted(golds[0], meta) if golds else None

    def _parted(self, text: str | None, meta: dict[str, str]) -> str | None:
        if text is None or self.kind != "problem":
            return text
        if _is_tests(text):
            meta.setdefault("tests", text)
            return None
        gold = gold_of(text)
        if gold.solution:
            meta.setdefault("solution", gold.solution)
        return gold.answer

    def _choice(self, row: Any, text: str) -> tuple[str | None, tuple[str, ...]]:
        """The gold answer and the options, put so that the answer names one option only."""
        fields = self.fields
        try:
            options = read_options(self._options(row))
        except OptionsError as exc:
            raise _MisfitError(*exc.args) from None
        texts = self._all_texts("choices", options.texts)
        labels = options.labels
        if fields.labels:
            given = _required(row, fields.labels)
            labels = self._all_texts(fields.labels, given if _listlike(given) else (None,))
            if len(labels) != len(texts):
                detail = f"{len(texts)} options, {len(labels)} labels"
                raise _MisfitError("options_unclear", detail)
        gold = self._stated(row)
        if not texts:
            return gold, ()
        if len(texts) == 1:
            raise _MisfitError("options_unclear", "a single option")
        cut = bare(texts)
        try:
            number = self._number(gold, texts, cut, labels)
            if fields.shuffle:
                order = order_of(text, len(cut))
                cut = tuple(cut[n] for n in order)
                number = None if number is None else order.index(number)
            return (gold if number is None else named(number, cut)), cut
        except OptionsError as exc:
            raise _MisfitError(*exc.args) from None

    def _options(self, row: Any) -> Any:
        """The options' column, or one option of each of several columns."""
        column = self.fields.choices
        if isinstance(column, str):
            return _there(column, _required(row, column))
        several = [value_at(row, one) for one in column or ()]
        return [v.strip() if isinstance(v, str) else v for v in several if v not in (ABSENT, None)]

    def _stated(self, row: Any) -> str | None:
        column = self.fields.reference
        if not column:
            return None
        columns = (column,) if isinstance(column, str) else column
        value = _there(columns[0], first_value(row, columns, _is_empty))
        if _listlike(value) and len(value) == 1:
            value = value[0]
        return self._scalar(columns[0], value)

    def _number(
        self,
        gold: str | None,
        texts: tuple[str, ...],
        cut: tuple[str, ...],
        labels: tuple[str, ...],
    ) -> int | None:
        """The option that the gold names; None without a gold, or where its words are no option's.

        Raises `OptionsError`.
        """
        how = self.fields.gold
        if gold is None:
            return None
        if how is None and unclear(gold, len(texts), labels):
            detail = (
                f"the answer {gold!r} may be a number of an option or its text: set fields.gold"
            )
            raise OptionsError("gold_unclear", detail)
        for shown in dict.fromkeys((texts, cut)):
            try:
                return number_of(gold, shown, labels, how)
            except OptionsError as exc:
                missing = exc
                if exc.args[0] != "gold_no_option":
                    raise
        if how is not None:
            raise missing
        return None

    def _domain(self, row: Any) -> str | None:
        column = self.fields.domain
        value = value_at(row, column) if column else ABSENT
        found = None if value is ABSENT else self._scalar(str(column), value)
        return found or self.domain

    def _meta(self, row: Any) -> dict[str, str]:
        """Mapped columns as text, tests and constraints as JSON; nulls are left out."""
        meta = {}
        for name, column in self.fields.kept.items():
            columns = (column,) if isinstance(column, str) else column
            value = first_value(row, columns, _is_empty)
            if value is ABSENT or value is None:
                continue
            meta[name] = self._sound(name, _spelled(name, _there(name, value)))
        for name, wanted in (("tests", self.fields.tests), ("constraints", self._constraints)):
            if wanted is None:
                continue
            if isinstance(wanted, dict):
                value = object_of(row, wanted)
            else:
                columns = (wanted,) if isinstance(wanted, str) else wanted
                value = first_value(row, columns, _is_empty)
            if value is not ABSENT and not _is_empty(value):
                meta[name] = self._sound(name, _spelled(name, value))
        return meta

    @property
    def _constraints(self) -> str | dict[str, str] | None:
        """Constraints by the names that their verifier reads."""
        wanted = self.fields.constraints
        if isinstance(wanted, dict):
            return {("instruction_id_list" if k == "ids" else k): v for k, v in wanted.items()}
        return wanted

    def _texts(self, row: Any, column: str | None) -> tuple[str, ...]:
        value = _required(row, column) if column else None
        if column is None or value is None:
            return ()
        if isinstance(value, str) and not isinstance(value, Number):
            raw = self._sound(column, value).encode()
            value = parse(raw, 0) if raw.startswith(b"[") else [value]
        return self._all_texts(column, value if _listlike(value) else (None,))

    def _all_texts(self, column: str, values: Any) -> tuple[str, ...]:
        texts = [self._scalar(column, value) for value in values]
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


def _required(row: Any, column: str) -> Any:
    return _there(column, value_at(row, column))


def _there(column: str, value: Any) -> Any:
    if value is ABSENT:
        raise _MisfitError("missing_column", f"no {column}")
    if value is SEVERAL:
        raise _MisfitError("several_turns", f"{column}: this role speaks more than once")
    return value


def _is_tests(text: str) -> bool:
    """Whether a gold is the tests of a program, as reward columns hold them for code."""
    if not text.lstrip().startswith("{"):
        return False
    found = parse(text.encode(), 0)
    return isinstance(found, Mapping) and {"inputs", "outputs"} <= found.keys()


def _is_empty(value: Any) -> bool:
    """Whether a value holds nothing: null, NaN, blank text, an empty list or object."""
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, str):
        return not value.strip()
    return value is None or ((_listlike(value) or isinstance(value, Mapping)) and not value)


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

"""Reaching into a row: columns, what lies within them, and turns of a conversation.

Owns what a path in `fields` means; what the value found there must be is `mapping`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from thoughtmill.tasks.sources.jsontext import Flaw, Number, parse

ABSENT = object()
"""What `value_at` finds where a row has no such column; null is a value."""
SEVERAL = object()
"""What `value_at` finds where a path names one turn of a role that speaks more than once."""

_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "system": "system",
    "developer": "system",
}
_COLUMN = re.compile(r"\{([^{}]+)\}")


class Turn(NamedTuple):
    """One message of a conversation."""

    role: str
    """user, assistant, system, or the publisher's own word for any other."""
    content: Any
    """A text, or whatever stands in its place."""


def value_at(row: Any, path: str) -> Any:
    """The value under a column's own name, else under its dotted path, else `ABSENT`.

    A step into a list is a number from 0 (negative from the end), or in a list of messages a role:
    `messages.user` is what the one user turn says, `SEVERAL` where there are more.  A text that
    holds JSON is stepped into as well.
    """
    if isinstance(row, Mapping):
        if path in row:
            return row[path]
        head, _, rest = path.partition(".")
        return value_at(row[head], rest) if rest and head in row else ABSENT
    if isinstance(row, str) and not isinstance(row, Number) and row[:1] in "[{":
        inner = parse(row.encode("utf-8", "surrogatepass"), 0)
        return ABSENT if isinstance(inner, Flaw) else value_at(inner, path)
    if isinstance(row, (list, tuple)):
        head, _, rest = path.partition(".")
        found = _member(row, head)
        return value_at(found, rest) if rest and found not in (ABSENT, SEVERAL) else found
    return ABSENT


def _member(values: Sequence[Any], step: str) -> Any:
    if step.removeprefix("-").isdigit():
        at = int(step)
        return values[at] if -len(values) <= at < len(values) else ABSENT
    turns = turns_of(values)
    if turns is None or step not in _ROLES.values():
        return ABSENT
    said = [turn.content for turn in turns if turn.role == step]
    if len(said) > 1:
        return SEVERAL
    return said[0] if said else ABSENT


def turns_of(value: Any) -> list[Turn] | None:
    """The messages of a conversation, of `role` and `content` or of `from` and `value`; else None.

    Content in parts (`[{"type": "text", "text": …}]`) is joined where every part is text.
    """
    if not isinstance(value, (list, tuple)) or not value:
        return None
    turns = []
    for message in value:
        if not isinstance(message, Mapping):
            return None
        who, said = ("role", "content") if "role" in message else ("from", "value")
        role = message.get(who)
        if not isinstance(role, str):
            return None
        turns.append(Turn(_ROLES.get(role.lower(), role), _joined(message.get(said))))
    return turns


def _joined(content: Any) -> Any:
    if not isinstance(content, (list, tuple)) or not content:
        return content
    texts = [part.get("text") if isinstance(part, Mapping) else None for part in content]
    strings = [text for text in texts if isinstance(text, str)]
    return "".join(strings) if len(strings) == len(texts) else content


@cache
def columns_of(path: str) -> tuple[str, ...]:
    """The columns that a path or a template names."""
    return tuple(_COLUMN.findall(path)) or (path,)


@cache
def is_template(path: str) -> bool:
    """Whether a text is built from columns in braces."""
    return _COLUMN.search(path) is not None


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with its columns in place; a paragraph all of whose columns are empty is left out.

    `values` holds a text for each column of the template.
    """
    kept = []
    for paragraph in template.split("\n\n"):
        columns = _COLUMN.findall(paragraph)
        if columns and not any(values[column].strip() for column in columns):
            continue
        kept.append(_COLUMN.sub(lambda found: values[found[1]], paragraph))
    return "\n\n".join(kept)


def names_of(row: Any) -> Iterator[str]:
    """Paths that a row has, two steps deep: what an error lists."""
    pairs: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(row, Mapping):
        pairs = iter(row.items())
    elif isinstance(row, (list, tuple)):
        pairs = iter(enumerate(row[:5]))
    for name, value in pairs:
        yield str(name)
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)
        elif turns := turns_of(value):
            yield from (f"{name}.{role}" for role in dict.fromkeys(t.role for t in turns))

"""JSON as people wrote it: strict about syntax, and a number stays the text it was.

Owns parsing one value, writing one back, and cutting an array into its elements without reading it
whole.  Knows nothing of files, columns or items.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class Number(str):
    """A JSON number, spelled as in the source: `27.0` is not `27`, and 30 digits are 30 digits."""


@dataclass(frozen=True)
class Flaw:
    """A row that makes no item."""

    number: int
    """Number of the row in its piece, from 1."""
    reason: str
    """Reason of the drop."""
    detail: str
    """What is wrong with it."""


def parse(raw: bytes, number: int) -> Any:
    """The value of one line or element (numbers as `Number`, NaN as null), or its `Flaw`."""
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as exc:
        return Flaw(number, "not_utf8", f"byte {exc.start + 1} ({raw[exc.start]:#04x})")
    except _RepeatedKeyError as exc:
        return Flaw(number, "duplicate_columns", f"an object has two keys {exc.args[0]!r}")
    except json.JSONDecodeError as exc:
        return Flaw(number, "bad_json", f"{exc.msg} at character {exc.pos + 1}")
    except RecursionError:
        return Flaw(number, "bad_json", "nested too deep")


def dump(value: Any) -> str:
    """`value` as JSON text, each `Number` as it was spelled; what JSON lacks goes in as text."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{dump(str(k))}: {dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)


def elements(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes | Flaw]:
    """The elements of a JSON array, unparsed; a `Flaw` for one above `max_bytes`.

    An element ends where brackets and quotes say so, whatever its bytes are, so a bad one costs
    itself alone.  ijson, which parses as it goes, loses the rest of the array at one bad byte and
    turns a lone surrogate into `?`.
    """
    array = _Array(max_bytes)
    for chunk in chunks:
        yield from array.feed(chunk)
    yield from array.end()


class _RepeatedKeyError(ValueError):
    """An object that has a key twice: which of the values counts can't be told."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedKeyError(next(n for at, n in enumerate(names) if n in names[:at]))
    return made


NOT_AN_ARRAY = "not a JSON array"
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=Number,
    parse_float=Number,
    parse_constant=lambda name: None if name == "NaN" else Number(name),
)
_STRUCTURE = re.compile(rb'[\[\]{}",]')
_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SPACE = b" \t\r\n"


class _Array:
    """Where the scan of one array stands between two chunks."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.number = 1
        self.depth = 0
        """Brackets open; 1 between elements, -1 after the array."""
        self.in_string = False
        self.escaped = False
        """Whether the last chunk ended in a backslash inside a string."""
        self.kept = bytearray()
        self.size = 0
        """Bytes of the element so far, kept or not."""

    def feed(self, chunk: bytes) -> Iterator[bytes | Flaw]:
        begin = position = 0
        while position < len(chunk):
            if self.depth <= 0:
                flaw = self._outside(chunk, position)
                if flaw or self.depth <= 0:
                    if flaw:
                        yield flaw
                    return
                begin = position = chunk.index(b"[", position) + 1
            elif self.in_string:
                position = self._string(chunk, position)
            elif token := _STRUCTURE.search(chunk, position):
                position = token.end()
                mark = token.group()
                self.in_string = mark == b'"'
                self.depth += (mark in b"[{") - (mark in b"]}")
                if self.depth == 0 or (self.depth == 1 and mark == b","):
                    self._keep(chunk[begin : token.start()])
                    begin = position
                    yield from self._element(last=self.depth == 0)
            else:
                break
        self._keep(chunk[begin:])

    def end(self) -> Iterator[bytes | Flaw]:
        if self.depth > 0:
            yield Flaw(self.number, "bad_json", "the array breaks off or never closes")

    def _outside(self, chunk: bytes, position: int) -> Flaw | None:
        """Before the array or after it: only white space may stand there."""
        rest = chunk[position:].removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE)
        if not rest or self.depth == -2:
            return None
        if self.depth == 0 and rest.startswith(b"["):
            self.depth = 1
            return None
        after, self.depth = self.depth == -1, -2
        what = "text after the end of the array" if after else NOT_AN_ARRAY
        return Flaw(self.number, "bad_json", what)

    def _string(self, chunk: bytes, position: int) -> int:
        """Past the string, or as much of it as this chunk holds."""
        found = _STRING.match(chunk, position + self.escaped)
        self.escaped = False
        position = found.end() if found else len(chunk)
        if position < len(chunk):
            self.in_string = chunk[position] != ord('"')
            self.escaped = self.in_string
            position += 1
        return position

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        if self.size <= self.max_bytes:
            self.kept += data

    def _element(self, *, last: bool) -> Iterator[bytes | Flaw]:
        raw, size = bytes(self.kept), self.size
        self.kept, self.size = bytearray(), 0
        if last:
            self.depth = -1
            if not raw.strip(_SPACE) and size == len(raw):
                return
        if size > self.max_bytes:
            yield Flaw(self.number, "too_long", f"{size} bytes, the most is {self.max_bytes}")
        else:
            yield raw
        self.number += 1

"""Files on disk: finding them by path or glob, and opening them, compressed or not.

Owns which files a source reads and what becomes of one that breaks; formats own the rows.
"""

from __future__ import annotations

import glob
import gzip
import io
import json
import os
import re
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.base import SAMPLE_ROWS, MappedSource, Piece, Record
from thoughtmill.tasks.sources.fields import printable
from thoughtmill.tasks.sources.jsontext import Flaw

MAX_ROW_BYTES = 64 * 2**20
"""Longest line or element that is held in memory; a longer one is skipped in pieces."""
CHUNK_BYTES = 2**20
READ_ERRORS = (OSError, EOFError, zlib.error, pa.ArrowException)
"""What a file that is cut short or garbled raises: gzip, zlib and Arrow each have their own."""


class FileSource(MappedSource):
    """Rows of files; each file is one part."""

    path: str | tuple[str, ...]
    """A file, a glob (`**` crosses folders), or a list of them; `.gz` and `.zst` are unpacked."""

    @property
    def label(self) -> str:
        """The paths as the user wrote them: two files of one name are two sources."""
        paths = (self.path,) if isinstance(self.path, str) else self.path
        return printable(", ".join(path.removeprefix("./") for path in paths))

    def pieces(self) -> list[Piece]:
        names = [name for pattern in self._patterns() for name in _files(pattern)]
        return [Piece(name, os.path.abspath(name)) for name in dict.fromkeys(names)]

    def records(self, piece: Piece) -> Iterator[Record | Flaw]:
        """The rows of a file.  One that breaks off ends in a flaw `unreadable_file`."""
        number = 0
        try:
            for found in self.rows(piece.path):
                number = found.number
                yield found
        except READ_ERRORS as exc:
            yield Flaw(number + 1, "unreadable_file", one_line(exc))

    def sample(self, pieces: Sequence[Piece]) -> list[Any]:
        every = (found for piece in pieces for found in self.records(piece))
        first = islice(every, SAMPLE_ROWS)
        return [
            found.row
            for found in first
            if isinstance(found, Record) and isinstance(found.row, (Mapping, list))
        ]

    def turns_up(self, column: str, pieces: Sequence[Piece]) -> bool:
        """Whether the names in a path stand anywhere in the files, as JSON writes them."""
        names = [step for step in column.split(".") if not step.removeprefix("-").isdigit()]
        return all(any(_holds(piece.path, _forms(name)) for piece in pieces) for name in names)

    @abstractmethod
    def rows(self, path: str) -> Iterator[Record | Flaw]:
        """The rows of one file; may raise `READ_ERRORS`."""

    @property
    def max_row_bytes(self) -> int:
        """Room for a text of `max_chars` and for its other columns."""
        return max(MAX_ROW_BYTES, 8 * self.max_chars)

    def _patterns(self) -> tuple[str, ...]:
        return (self.path,) if isinstance(self.path, str) else self.path


def _files(pattern: str) -> list[str]:
    """Files of one pattern, sorted.  Raises `ConfigError` where there are none to read."""
    literal = os.path.expanduser(pattern)
    if os.path.isdir(literal):
        raise ConfigError(f"path: {pattern!r} is a folder; name its files, such as '{pattern}/*'")
    found = [literal] if os.path.exists(literal) else sorted(glob.glob(literal, recursive=True))
    files = [name for name in found if os.path.isfile(name)]
    if not files:
        raise ConfigError(f"path: no file matches {pattern!r} (looked from {Path.cwd()})")
    for name in files:
        if not os.access(name, os.R_OK):
            raise ConfigError(f"path: no permission to read {name!r}")
    return files


def open_bytes(path: str) -> BinaryIO:
    """The unpacked bytes of a file; its first bytes tell whether it is gzip or zstd."""
    with open(path, "rb") as raw:
        magic = raw.read(4)
    if magic.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.open(path))
    if magic == b"\x28\xb5\x2f\xfd":
        return io.BufferedReader(pa.input_stream(path, compression="zstd"))
    return open(path, "rb")


def chunks(path: str) -> Iterator[bytes]:
    """The unpacked bytes of a file, a MiB at a time."""
    with open_bytes(path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def lines(path: str, max_bytes: int) -> Iterator[bytes | Flaw]:
    """The lines of a file with their ends, without a byte-order mark; a `Flaw` for a longer one."""
    with open_bytes(path) as stream:
        number = 0
        while line := stream.readline(max_bytes):
            number += 1
            size = len(line)
            while len(line) == max_bytes and not line.endswith(b"\n"):
                line = stream.readline(max_bytes)
                size += len(line)
            if size > max_bytes:
                yield Flaw(number, "too_long", f"{size} bytes, the most is {max_bytes}")
            else:
                yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _forms(name: str) -> set[bytes]:
    """A key as JSON may write it: with other letters as they are, or as escapes."""
    return {json.dumps(name).encode(), json.dumps(name, ensure_ascii=False).encode()}


def _holds(path: str, forms: set[bytes]) -> bool:
    """Whether any of some strings of bytes is in a file; False where it can't be read."""
    longest = max(map(len, forms))
    tail = b""
    try:
        for chunk in chunks(path):
            window = tail + chunk
            if any(form in window for form in forms):
                return True
            tail = window[-longest:]
    except READ_ERRORS:
        return False  # reading it will say so, as a drop
    return False


def check_text(name: str, path: str, *, by_line: bool) -> None:
    """Raise `ConfigError` for a file in UTF-16 or UTF-32, or with the line ends of old Macs."""
    try:
        with open_bytes(path) as stream:
            head = stream.read(1 << 16)
    except READ_ERRORS:
        return  # reading it will say so, as a drop
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))
    if wide or (len(head) >= 4 and 0 in head[:2] and head[:4].count(0) in (2, 3)):
        raise ConfigError(
            f"path: {name} is UTF-16 or UTF-32, not UTF-8: convert it, such as"
            f" `iconv -f UTF-16 -t UTF-8`"
        )
    if by_line and b"\n" not in head and re.search(rb"\r(?!$)", head):
        raise ConfigError(
            f"path: the lines of {name} end in a lone carriage return (\\r): convert it, such as"
            " `tr '\\r' '\\n'`"
        )


def one_line(exc: BaseException) -> str:
    """An error as a short line, for the detail of a drop or of a `ConfigError`."""
    text = " ".join(str(exc).split())
    return f"{type(exc).__name__}: {text[:300]}" if text else type(exc).__name__

"""JSON lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.base import Piece, Record
from thoughtmill.tasks.sources.files import FileSource, check_text, lines, open_bytes
from thoughtmill.tasks.sources.jsontext import Flaw, parse


class JsonlSource(FileSource):
    """JSON-lines files.  Blank lines are passed over; rows are numbered by line."""

    kind: Literal["jsonl"] = "jsonl"

    def rows(self, path: str) -> Iterator[Record | Flaw]:
        for number, line in enumerate(lines(path, self.max_row_bytes), start=1):
            if isinstance(line, Flaw):
                yield line
            elif not line.isspace() and line:
                value = parse(line, number)
                yield value if isinstance(value, Flaw) else Record(number, value)

    def check(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            check_text(piece.name, piece.path, by_line=True)
        if not self.sample(pieces[:1]) and pieces and _opens_with(pieces[0].path, b"["):
            raise ConfigError(f"kind: {pieces[0].name} is a JSON array; use kind: json")
        super().check(pieces)

    def advice(self, pieces: Sequence[Piece]) -> str:
        if not self.sample(pieces[:1]):
            return "; kind: json reads a file that is one object over several lines"
        return super().advice(pieces)


def _opens_with(path: str, mark: bytes) -> bool:
    with open_bytes(path) as stream:
        return stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(mark)

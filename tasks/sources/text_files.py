"""Plain text, Markdown and LaTeX files: each file is one document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from thoughtmill.tasks.sources.base import Piece, Record
from thoughtmill.tasks.sources.files import FileSource, check_text, open_bytes
from thoughtmill.tasks.sources.jsontext import Flaw


class TextSource(FileSource):
    """Text files.  The columns of a row are `text` (the file) and `path`."""

    kind: Literal["text"] = "text"
    """Reads text files."""

    def rows(self, path: str) -> Iterator[Record | Flaw]:
        with open_bytes(path) as stream:
            raw = stream.read(self.max_row_bytes + 1)
        if len(raw) > self.max_row_bytes:
            yield Flaw(1, "too_long", f"more than {self.max_row_bytes} bytes")
            return
        yield Record(1, {"text": raw.removeprefix(b"\xef\xbb\xbf"), "path": path})

    def sample(self, pieces: Sequence[Piece]) -> list[Mapping[str, Any]]:
        return [{"text": None, "path": None}]

    def check(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            check_text(piece.name, piece.path, by_line=False)
        super().check(pieces)

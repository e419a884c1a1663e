"""What a block prints, as text of bounded size: its head, its tail and how much lay between."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import Any


class Clip:
    """Text that arrives in pieces; only the first `head` and the last `tail` characters stay."""

    def __init__(self, head: int, tail: int) -> None:
        self._limits = head, tail
        self._head = self._tail = ""
        self._total = 0

    def add(self, text: str, skipped: int = 0) -> None:
        """Append `text`, after `skipped` characters that nobody is going to see."""
        head, tail = self._limits
        self._total += len(text) + skipped
        room = 0 if skipped else max(0, head - len(self._head))
        if room:
            self._head += text[:room]
        # Never a copy of the whole text: it may be as large as the memory it lies in.
        self._tail = (self._tail + text[max(room, len(text) - tail) :])[-tail:] if tail else ""

    def extend(self, other: Clip) -> None:
        """Append another clip of the same limits."""
        self.add(other._head)
        self.add(other._tail, skipped=other.left_out)

    @property
    def left_out(self) -> int:
        """Characters that are in neither head nor tail."""
        return self._total - len(self._head) - len(self._tail)

    def text(self) -> str:
        """The text; where some was left out, a line in its place says how much."""
        if not self.left_out:
            return self._head + self._tail
        return f"{self._head}\n... [{self.left_out} characters left out] ...\n{self._tail}"


class _Bytes(io.RawIOBase):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = bytes(data)
        self._stream.write(view.decode("utf-8", "replace"))
        return len(view)


class Stream(io.TextIOBase):
    """Standard output and standard error of the blocks, in the order they are written."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, head: int, tail: int) -> None:
        self._limits = head, tail
        self.buffer = _Bytes(self)
        self.clip = Clip(head, tail)
        self._direct = False

    def go_direct(self) -> None:
        """In a child process: write to descriptor 1, since its memory is not the session's."""
        self._direct = True

    def restart(self) -> None:
        """Begin the output of another block."""
        self.clip = Clip(*self._limits)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._direct:
            os.write(1, text.encode("utf-8", "replace"))
        else:
            self.clip.add(text)
        return len(text)

    def writelines(self, lines: Iterable[Any]) -> None:
        for line in lines:
            self.write(line)

    def close(self) -> None:
        """Later blocks print too: a block cannot close it."""

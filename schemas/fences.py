"""What a code block is: fence lines in text.  One reading of them for all who look at a trace.

A fence is three backticks at the start of a line.  A block opens with a fence and a language and
ends with a bare fence; a fence inside a line, or written as an escape in a string, is text.  A line
of a string that is itself a bare fence ends the block, as it does in Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from thoughtmill.schemas.rows import Segment

FENCE = "```"
PYTHON = ("python", "py", "python3")
"""Languages whose blocks are run, in any case."""
OUTPUT = "output"
"""Language of what the interpreter gave back."""
CLOSE = f"\n{FENCE}\n"
"""The end of a block, with the end of its last line."""
_LINE = re.compile(r"^```[ \t]*([A-Za-z0-9_+.-]*)[ \t\r]*$")


class Block(NamedTuple):
    """A fenced stretch of a text."""

    language: str
    """In lower case; empty for a bare fence."""
    start: int
    """Where its opening fence stands; 0 for a block that was open before the text began."""
    code: str
    """What is between the fences, without the last line's end."""
    end: int
    """Behind its closing fence and that line's end; the length of the text where it is open."""
    closed: bool

    @property
    def runs(self) -> bool:
        """Whether an interpreter runs it."""
        return self.language in PYTHON


def blocks(text: str, *, opened: bool = False, ended: bool = True) -> Iterator[Block]:
    """The fenced stretches of a text, in order; the last one may be open.

    `opened`: a Python block was opened before the text.  `ended`: nothing follows the text, so a
    last line without an end is a whole line.  An opening Python fence opens a block even where a
    block of another language was never closed; written twice it counts once.
    """
    language, start, inner = (PYTHON[0], 0, 0) if opened else ("", -1, 0)
    at = 0
    while at < len(text):
        stop = text.find("\n", at)
        if stop < 0 and not ended:
            break
        line_end = len(text) if stop < 0 else stop
        after = min(line_end + 1, len(text))
        fence = _LINE.match(text[at:line_end]) if text.startswith(FENCE, at) else None
        if fence:
            said = fence[1].lower()
            open_now = start >= 0
            if open_now and not said:
                yield Block(language, start, text[inner : max(inner, at - 1)], after, True)
                start = -1
            elif not open_now or (said in PYTHON and language not in PYTHON):
                language, start, inner = said, at, after
            elif said in PYTHON and not text[inner:at].strip():
                inner = after
        at = after
    if start >= 0:
        yield Block(language, start, text[inner:], len(text), False)


def opens(text: str) -> bool:
    """Whether a text ends inside a Python block."""
    *_, last = [None, *blocks(text)]
    return last is not None and last.runs and not last.closed


def code_at(segments: Sequence[Segment], position: int) -> str:
    """The code of a code segment; a hint before it may hold its opening fence."""
    before = segments[position - 1] if position else None
    opened = before is not None and before.kind == "hint" and opens(before.text)
    found = next((b for b in blocks(segments[position].text, opened=opened) if b.runs), None)
    return found.code if found else ""


def output_of(text: str) -> str:
    """What was printed, from the text of an output segment."""
    body = text.strip("\n").removeprefix(f"{FENCE}{OUTPUT}").removesuffix(FENCE)
    return body.strip("\n")

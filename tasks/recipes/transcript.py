"""A trace while it is being written: the teacher's tokens, and what others put between them.

Owns that the token ids of the segments, one after the other, are what the teacher was sent and
wrote: nothing is ever decoded and encoded again, but for the characters of a token that a cut goes
through.  What others write is encoded on its own, and never becomes a control token.

A *stretch* is what the teacher has written since somebody else last wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from thoughtmill.schemas.rows import Segment, SegmentKind
from thoughtmill.tasks.teachers.formats import ReasoningFormat
from thoughtmill.tasks.teachers.protocol import Tokens

_CONTEXT = 4
_SPLITS: tuple[Callable[[str], list[str]], ...] = (
    lambda text: re.split(r"(?<=[<\[])", text),
    list,
)


class Transcript:
    """Grows at its end; `cut` takes back some of the last stretch, `part` makes segments of it."""

    def __init__(self, tokens: Tokens, prompt: Segment, form: ReasoningFormat) -> None:
        self.segments: list[Segment] = [prompt]
        self.ids: list[int] = list(prompt.token_ids)
        """All that the next request sends."""
        self._tokens = tokens
        self._close_tag = form.close
        self._tag_ids = tokens.encode(form.close) if form.marked else []
        opening = tokens.encode(form.open.rstrip()) if form.marked else []
        self._controls = tuple(tag for tag in (self._tag_ids, opening) if tag)
        self._from = len(self.ids)
        self._text: str | None = None

    @property
    def stretch(self) -> list[int]:
        """Token ids of the last stretch."""
        return self.ids[self._from :]

    @property
    def text(self) -> str:
        """The last stretch; where its closing tag is a special token, without it."""
        if self._text is None:
            self._text = self._decoded(self.stretch)
        return self._text

    def thought(self) -> tuple[str, bool]:
        """The last stretch up to the closing tag, and whether that tag has been written."""
        end = self._tag_end()
        if end is None:
            return self.text, False
        return self._decoded(self.stretch[:end]).partition(self._close_tag)[0], True

    def at_line_start(self) -> bool:
        """Whether the next character begins a line."""
        return self._tokens.decode(self.ids[-_CONTEXT:]).endswith("\n")

    def write(self, token_ids: Sequence[int]) -> None:
        """The teacher has written these."""
        self.ids.extend(token_ids)
        self._text = None

    def cut(self, chars: int) -> None:
        """Keep the first `chars` characters of the last stretch, and no token without text after.

        Where that goes through a token, its first characters are encoded on their own.
        """
        text, stretch = self.text[:chars], self.stretch
        kept = self._tokens_within(stretch, text)
        while kept and self._decoded(stretch[: kept - 1]) == self._decoded(stretch[:kept]):
            kept -= 1
        rest = text[len(self._decoded(stretch[:kept])) :]
        self.ids[self._from :] = [*stretch[:kept], *(self._spelled(rest) if rest else ())]
        self._text = None

    def part(self, *ends: tuple[SegmentKind, int | None]) -> None:
        """Make segments of the last stretch: each kind up to its end in characters, None for all.

        A token that an end goes through goes to the later segment, so that a fence is never torn.
        """
        stretch, done = self.stretch, 0
        for kind, chars in ends:
            end = len(stretch)
            if chars is not None:
                end = max(done, self._tokens_within(stretch, self.text[:chars]))
            self._add(kind, self._between(stretch, done, end), stretch[done:end], trainable=True)
            done = end
        assert done == len(stretch), "a stretch is parted whole"
        self._from = len(self.ids)
        self._text = None

    def close(self, *ends: tuple[SegmentKind, int | None]) -> str:
        """Part the last stretch of a trace, from `ends` over the thought to the answer: its text.

        The closing tag's tokens go to the last segment of the thought, the end-of-text token to the
        answer; neither is in a segment's text.
        """
        end = self._tag_end()
        assert end is not None, "only a closed thought has an answer"
        stretch, thought = self.stretch, self.thought()[0]
        done, spans = 0, []
        for kind, chars in ends:
            upto = end
            if chars is not None:
                upto = max(done, self._tokens_within(stretch[:end], thought[:chars]))
            spans.append((kind, done, upto))
            done = upto
        for kind, start, upto in spans:
            text = self._between(stretch, start, upto)
            if upto == end:
                text = text.replace(self._close_tag, "", 1)
            self._add(kind, text, stretch[start:upto], trainable=True)
        answer = self._between(stretch, end, len(stretch))
        self._add("answer", answer, stretch[end:], trainable=True)
        self._from = len(self.ids)
        self._text = None
        return answer

    def insert(self, kind: SegmentKind, text: str, *, trainable: bool = False) -> None:
        """Somebody else writes: the stretch before must have been parted."""
        assert self._from == len(self.ids), "a stretch is parted before others write"
        ids = self._spelled(text)
        self._add(kind, self._decoded(ids), ids, trainable=trainable)
        self.ids.extend(ids)
        self._from = len(self.ids)
        self._text = None

    def _add(self, kind: SegmentKind, text: str, ids: Sequence[int], *, trainable: bool) -> None:
        if ids:
            self.segments.append(
                Segment(kind=kind, text=text, token_ids=tuple(ids), trainable=trainable)
            )

    def _decoded(self, ids: Sequence[int]) -> str:
        """The text of ids after the last settled ones: some tokenizers look at what is before."""
        before = self.ids[max(0, self._from - _CONTEXT) : self._from]
        head, whole = self._tokens.decode(before), self._tokens.decode([*before, *ids])
        return whole[len(head) :] if whole.startswith(head) else self._tokens.decode(ids)

    def _between(self, stretch: Sequence[int], start: int, end: int) -> str:
        head, whole = self._decoded(stretch[:start]), self._decoded(stretch[:end])
        assert whole.startswith(head), "segments part between characters"
        return whole[len(head) :]

    def _tokens_within(self, ids: Sequence[int], text: str) -> int:
        """Most tokens whose text is a start of `text`, ending between two characters."""
        low, high = 0, len(ids)
        while low < high:
            middle = (low + high + 1) // 2
            if len(self._decoded(ids[:middle])) <= len(text):
                low = middle
            else:
                high = middle - 1
        while low and not text.startswith(self._decoded(ids[:low])):
            low -= 1  # it ends inside a character
        return low

    def _tag_end(self) -> int | None:
        """Tokens of the last stretch up to the end of its first closing tag."""
        if not self._tag_ids:
            return None
        stretch = self.stretch
        at = _place(stretch, self._tag_ids)
        if at >= 0:
            return at + len(self._tag_ids)
        at = self.text.find(self._close_tag)  # spelled otherwise, or merged with its neighbours
        if at < 0:
            return None
        end = self._tokens_within(stretch, self.text[: at + len(self._close_tag)])
        whole = len(self._decoded(stretch[:end])) == at + len(self._close_tag)
        return end if whole else end + 1

    def _spelled(self, text: str) -> list[int]:
        """The tokens of a text of others: what looks like a control token does not become one."""
        ids = self._tokens.encode(text)
        for split in _SPLITS:
            exact = self._tokens.decode(ids) == text
            if exact and all(_place(ids, tag) < 0 for tag in self._controls):
                break
            ids = [id_ for piece in split(text) for id_ in self._tokens.encode(piece)]
        return ids


def _place(ids: Sequence[int], wanted: Sequence[int]) -> int:
    """Where `wanted` first stands in `ids`; -1 where it does not."""
    at, first, size = -1, wanted[0], len(wanted)
    while True:
        try:
            at = ids.index(first, at + 1)
        except ValueError:
            return -1
        if ids[at : at + size] == wanted:
            return at

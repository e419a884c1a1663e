"""Reading an annotator's reply: private thought, reasoning, and the last line with the conclusion.

Segments keep every token: prompt, thought, reasoning and last line concatenate to what the teacher
read and wrote.  Their texts are as written, so reasoning and last line join to the reply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from thoughtmill.schemas.rows import Segment
from thoughtmill.tasks.answers.extract import find_answer
from thoughtmill.tasks.recipes.solve import answer_at
from thoughtmill.tasks.recipes.thought import ThoughtEnd, parted, tokens_before
from thoughtmill.tasks.teachers.formats import ReasoningFormat
from thoughtmill.tasks.teachers.protocol import Completion, Tokens

_PLACE = re.compile(r"\{(\w+)\}")
_MARKUP = " \t*_#>`"


@dataclass(frozen=True)
class Reply:
    """A reply taken to pieces."""

    private: Segment
    """The thought before the reply, of a teacher that thinks; no loss, and not the reasoning."""
    reasoning: Segment
    last: Segment
    """The line with the conclusion, and whatever follows it; without text where there is none."""
    conclusion: str | None
    """What the last line concludes with, bare of label and markup."""
    thought_end: ThoughtEnd
    """How the private thought ended."""
    fault: str | None
    """Drop reason of a completion that can't be parted."""

    @property
    def segments(self) -> list[Segment]:
        """Those that hold anything, in order."""
        return [s for s in (self.private, self.reasoning, self.last) if s.text or s.token_ids]


def reply_of(
    completion: Completion, tokens: Tokens | None, form: ReasoningFormat, label: str
) -> Reply:
    """Take a completion to pieces; `tokens` is null where an endpoint names no tokenizer.

    Without a line that begins with `label` the conclusion is what the reply marks as its answer.
    """
    think, reply, ended, fault = parted(completion, tokens, form)
    ids = reply.token_ids
    text = tokens.decode(ids) if tokens and ids else reply.text
    start = last_line(text, label)
    conclusion = None if start is None else concluded(text[start:], label)
    if start is None:
        start = answer_at(text)
        conclusion = None if start is None else find_answer(text).text
    cut = len(text) if start is None else start
    at = tokens_before(tokens, ids, cut) if tokens and start is not None else len(ids)
    return Reply(
        private=think.model_copy(update={"trainable": False}),
        reasoning=Segment(kind="think", text=text[:cut], token_ids=ids[:at], trainable=True),
        last=Segment(kind="answer", text=text[cut:], token_ids=ids[at:], trainable=True),
        conclusion=conclusion,
        thought_end=ended,
        fault=fault,
    )


def last_line(text: str, label: str) -> int | None:
    """Where the last line that begins with `label` starts; None where no line does."""
    found = None
    at = 0
    for line in text.splitlines(keepends=True):
        if _begins(line, label):
            found = at
        at += len(line)
    return found


def _begins(line: str, label: str) -> bool:
    return line.lstrip(_MARKUP).lower().startswith(label.lower())


def unlabelled(text: str, label: str) -> str:
    """A text without the lines that begin with `label`."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not _begins(line, label))


def concluded(text: str, label: str) -> str | None:
    """What stands behind the last `label` that begins a line; None for nothing.

    What the line leaves out is taken from the next one that has text.
    """
    start = last_line(text, label)
    if start is None:
        return None
    rest = text[start:].lstrip(_MARKUP)[len(label) :]
    lines = (line.strip().strip("*_` ") for line in rest.splitlines())
    return next((line for line in lines if line), None)


def filled(template: str, values: Mapping[str, str]) -> str:
    """A prompt with its places filled in one pass: braces inside a value stay as they are."""
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), template)

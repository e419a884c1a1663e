"""A completion parted into thought and reply, to the token.

The thought's segment holds every token up to the tag that closes it, both tags included; the
reply's holds all after it, the end-of-text token included.  So their ids concatenate to the whole
completion, while their texts are free of tags.  A token that holds the end of the tag and the start
of the reply counts as thought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.rows import Segment
from tasks.teachers.protocol import Completion, Tokens

_TAIL = 16


@dataclass(frozen=True)
class Tags:
    """What a thought stands between."""

    open: str
    close: str


class Parted(NamedTuple):
    """A thought and a reply; either may be without text, and without ids."""

    think: Segment
    reply: Segment


def parted(completion: Completion, tokens: Tokens | None, tags: Tags) -> Parted:
    """Part a completion at its first closing tag.

    Without one all of it is the reply, or all of it is the thought where the teacher or its
    template opened one.  `tokens` is null where an endpoint names no tokenizer: then the segments
    have no ids.
    """
    ids = completion.token_ids if tokens else ()
    if completion.reasoning is not None:
        thought, reply = completion.reasoning, completion.text
        end = _end_of_tag(ids, tokens, tags.close) if tokens else None
        if end is None and reply.strip():
            ids = ()  # where the reply begins can't be told
        return _segments(thought, reply, ids, len(ids) if end is None else end)
    end = _end_of_tag(ids, tokens, tags.close) if tokens else None
    text = completion.text
    if tokens and end is not None and tags.close not in text:
        # The tag is a special token, which leaves no trace in the text.
        thought, reply = tokens.decode(ids[:end]), tokens.decode(ids[end:])
    else:
        thought, closed, reply = text.partition(tags.close)
        if not closed:
            opened = text.lstrip().startswith(tags.open) or (
                tokens is not None and _opened(completion.prompt_ids, tokens, tags)
            )
            thought, reply = (text, "") if opened else ("", text)
            end = len(ids) if opened else 0
    return _segments(_without_opening(thought, tags.open), reply, ids, end or 0)


def _segments(thought: str, reply: str, ids: tuple[int, ...], end: int) -> Parted:
    return Parted(
        Segment(kind="think", text=thought.strip("\n"), token_ids=ids[:end], trainable=True),
        Segment(kind="answer", text=reply.strip(), token_ids=ids[end:], trainable=True),
    )


def _without_opening(thought: str, tag: str) -> str:
    start = thought.lstrip()
    return start[len(tag) :] if start.startswith(tag) else thought


def _end_of_tag(ids: Sequence[int], tokens: Tokens, tag: str) -> int | None:
    """How many tokens there are up to the end of the first tag; None where there is none."""
    spelled = tokens.encode(tag)
    for at in range(len(ids) - len(spelled) + 1):
        if list(ids[at : at + len(spelled)]) == spelled:
            return at + len(spelled)
    if tag not in tokens.decode(ids):
        return None
    low, high = 0, len(ids)  # the tag may be spelled otherwise, its end merged with what follows
    while low < high:
        middle = (low + high) // 2
        if tag in tokens.decode(ids[:middle]):
            high = middle
        else:
            low = middle + 1
    return low


def _opened(prompt_ids: Sequence[int], tokens: Tokens, tags: Tags) -> bool:
    """Whether the prompt ends inside a thought, as some chat templates have it."""
    tail = list(prompt_ids[-_TAIL:])
    spelled = tokens.encode(tags.open)
    at = next(
        (
            n
            for n in range(len(tail) - len(spelled), -1, -1)
            if tail[n : n + len(spelled)] == spelled
        ),
        None,
    )
    return at is not None and not tokens.decode(tail[at + len(spelled) :]).strip()

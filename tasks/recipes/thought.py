"""A completion parted into thought and reply, to the token.

The thought's segment holds every token up to the tag that closes it, both tags included; the
reply's holds all after it, the end-of-text token included.  So their ids concatenate to the whole
completion, while their texts are free of tags.  A token that holds the end of the tag and the start
of the reply counts as thought.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from thoughtmill.schemas.rows import Segment
from thoughtmill.tasks.teachers.formats import ReasoningFormat
from thoughtmill.tasks.teachers.protocol import Completion, Tokens

ThoughtEnd = Literal["tag", "turn", "server", "hidden", "limit", "unstated", "none"]
"""How a thought ended: by its tag, with the teacher's turn, parted or hidden by the server, at the
token limit; `unstated` where the server does not say, `none` where there is no thought."""
_FINAL = "<|channel|>final<|message|>"
_LOST_CHANNELS = re.compile(r"analysis.*assistantfinal", re.DOTALL)
_MESSAGE = re.compile(
    r"(?:<\|start\|>assistant)?<\|channel\|>(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>"
    r"(.*?)(?:<\|end\|>|<\|return\|>|<\|call\|>|(?=<\|start\|>)|$)",
    re.DOTALL,
)


class Parted(NamedTuple):
    """A thought and a reply; either may be without text, and without ids."""

    think: Segment
    reply: Segment
    ended: ThoughtEnd = "none"
    fault: str | None = None
    """Drop reason of a completion that can't be parted."""


def parted(completion: Completion, tokens: Tokens | None, form: ReasoningFormat) -> Parted:
    """Part a completion at the end of its thought, by the teacher's format.

    A completion without a closing tag is all reply, or all thought where the teacher or its
    template opened one.  `tokens` is null where an endpoint names no tokenizer: then the segments
    have no ids.
    """
    ids = completion.token_ids if tokens else ()
    if completion.reasoning is not None:
        thought = completion.reasoning
        reply = _without_copy(completion.text, thought, form)
        end = _end_of_thought(ids, tokens, form) if tokens else None
        if end is None and reply.strip():
            ids = ()  # where the reply begins can't be told
        return _segments(thought, reply, ids, len(ids) if end is None else end, "server")
    if completion.hidden_tokens:
        return _segments("", completion.text, ids, 0, "hidden")
    if form.channels or _LOST_CHANNELS.match(completion.text):
        return _by_channel(completion, tokens, form)
    if not form.marked:
        return _segments("", completion.text, ids, 0, "none")
    end = _end_of_thought(ids, tokens, form) if tokens else None
    text = completion.text
    if tokens and end is not None and form.close not in text:
        # The tag is a special token, which leaves no trace in the text.
        thought, reply, ended = tokens.decode(ids[:end]), tokens.decode(ids[end:]), True
    else:
        thought, tag, reply = text.partition(form.close)
        ended = bool(tag)
    if not ended:
        opened = text.lstrip().startswith(form.open) or (
            tokens is not None
            and (form.opened_by(completion.prompt_ids, tokens) or _begins(ids, tokens, form))
        )
        thought, reply, end = (text, "", len(ids)) if opened else ("", text, 0)
    how: ThoughtEnd = "tag" if ended else "none" if not thought else _unclosed(completion)
    return _segments(without_opening(thought, form), reply, ids, end or 0, how)


def _unclosed(completion: Completion) -> ThoughtEnd:
    return "limit" if completion.finish_reason == "length" else "turn"


def _segments(
    thought: str, reply: str, ids: tuple[int, ...], end: int, ended: ThoughtEnd
) -> Parted:
    return Parted(
        Segment(kind="think", text=thought.strip("\n"), token_ids=ids[:end], trainable=True),
        Segment(kind="answer", text=reply.strip(), token_ids=ids[end:], trainable=True),
        ended,
    )


def _by_channel(completion: Completion, tokens: Tokens | None, form: ReasoningFormat) -> Parted:
    """Part a turn of messages: what is before the message of channel `final` is thought.

    By token ids where there are any, else by the text, where the server has left the tags in it.
    Without tags nobody can tell where `analysis` is a channel and where a word: fault
    `channels_lost`.
    """
    ids = completion.token_ids
    if tokens is not None and ids and form.channels:
        final = tokens.encode(_FINAL)
        at = place(ids, final)
        end = len(ids) if at < 0 else at + len(final)
        bodies = _bodies(ids[: at if at >= 0 else len(ids)], tokens)
        closed = bool(bodies) and place(ids, tokens.encode(form.close)) >= 0
        ended: ThoughtEnd = "tag" if closed else "none" if not bodies else _unclosed(completion)
        reply = tokens.decode(ids[end:]) if at >= 0 else ""
        return _segments("\n\n".join(bodies), reply, ids[:], end, ended)
    text = completion.text
    messages = _MESSAGE.findall(text)
    if messages:
        thought = "\n\n".join(body for channel, body in messages if channel != "final")
        reply = "\n\n".join(body for channel, body in messages if channel == "final")
        return _segments(thought, reply, (), 0, "tag" if reply else _unclosed(completion))
    lost = _segments("", text, (), 0, "none")
    return lost._replace(fault="channels_lost") if _LOST_CHANNELS.match(text) else lost


def _bodies(ids: Sequence[int], tokens: Tokens) -> list[str]:
    """The texts of a turn's messages, without their headers."""
    (begin,), found = tokens.encode("<|message|>"), []
    ends = {tokens.encode(tag)[0] for tag in ("<|end|>", "<|start|>", "<|channel|>", "<|return|>")}
    body: list[int] | None = None
    for id_ in [*ids, *tokens.encode("<|end|>")]:
        if id_ == begin:
            body = []
        elif id_ in ends and body is not None:
            found.append(tokens.decode(body))
            body = None
        elif body is not None:
            body.append(id_)
    return [text for text in found if text.strip()]


def without_opening(thought: str, form: ReasoningFormat) -> str:
    """A thought without the tag that opens it, also where decoding left its special token out."""
    start = thought.lstrip()
    for tag in (form.open, form.open.rpartition(">")[2] if form.name == "gemma" else ""):
        if tag and start.startswith(tag):
            return start[len(tag) :]
    return thought


def _without_copy(text: str, thought: str, form: ReasoningFormat) -> str:
    """A reply without the thought that some servers send both in its field and in the content."""
    if form.marked and form.close in text:
        before, _, after = text.partition(form.close)
        if without_opening(before, form).strip() == thought.strip():
            return after
    start = text.lstrip()
    copied = bool(thought.strip()) and start.startswith(thought.strip())
    return start[len(thought.strip()) :] if copied else text


def _begins(ids: Sequence[int], tokens: Tokens, form: ReasoningFormat) -> bool:
    tag = tokens.encode(form.open.rstrip("\n"))
    return list(ids[: len(tag)]) == tag


def _end_of_thought(ids: Sequence[int], tokens: Tokens, form: ReasoningFormat) -> int | None:
    """How many tokens there are up to the end of the first closing tag; None without one."""
    if not form.marked:
        return None
    spelled = tokens.encode(form.close)
    at = place(ids, spelled)
    if at >= 0:
        return at + len(spelled)
    if form.close not in tokens.decode(ids):
        return None
    low, high = 0, len(ids)  # the tag may be spelled otherwise, its end merged with what follows
    while low < high:
        middle = (low + high) // 2
        if form.close in tokens.decode(ids[:middle]):
            high = middle
        else:
            low = middle + 1
    return low


def place(ids: Sequence[int], wanted: Sequence[int]) -> int:
    """Where `wanted` first stands in `ids`; -1 where it does not."""
    size, wanted = len(wanted), tuple(wanted)
    return next(
        (at for at in range(len(ids) - size + 1) if tuple(ids[at : at + size]) == wanted), -1
    )


def bare(
    completion: Completion, tokens: Tokens | None, form: ReasoningFormat, *, opened: bool
) -> Parted:
    """A completion that was to stop at the end of its thought: the thought, ids without its tags.

    What a server wrote after the tag is left out, as is an end-of-text token.  The thought of a
    teacher without tags is all it wrote.  `opened`: the prompt ends inside a thought.
    """
    parts = parted(completion, tokens, form)
    if parts.fault or parts.ended == "hidden":
        return parts
    if parts.ended == "server" or form.channels:
        return parts._replace(think=_within(parts.think.text, completion, tokens, form))
    if not form.marked:
        ended = _unclosed(completion)
        return parts._replace(think=_within(completion.text, completion, tokens, form), ended=ended)
    text = completion.text
    if tokens and completion.token_ids:
        end = _end_of_thought(completion.token_ids, tokens, form)
        text = text if end is None else tokens.decode(completion.token_ids[:end])
    text = text.partition(form.close)[0]
    thought = without_opening(text, form)
    closed = parts.ended == "tag" or completion.stopped_by == form.close
    begun = opened or thought != text or bool(parts.think.text)
    if closed:
        ended = "tag"
    elif completion.finish_reason == "stop" and not (completion.token_ids or completion.stop_told):
        ended = "unstated"  # by the stop string or by the end of the turn
    else:
        ended = _unclosed(completion) if begun else "none"
    if not closed and not begun:
        return parts._replace(ended="none")
    return parts._replace(think=_within(thought, completion, tokens, form), ended=ended)


def _within(
    text: str, completion: Completion, tokens: Tokens | None, form: ReasoningFormat
) -> Segment:
    """The segment of a thought with the ids whose text lies inside it; none where they differ."""
    ids = completion.token_ids if tokens else ()
    if tokens and form.marked:
        opening, closing = tokens.encode(form.open), tokens.encode(form.close)
        at = place(ids, opening)
        if at >= 0 and not tokens.decode(ids[:at]).strip():
            ids = ids[at + len(opening) :]
        at = place(ids, closing)
        ids = ids if at < 0 else ids[:at]
    if tokens:
        while ids and not tokens.decode(ids[-1:]):
            ids = ids[:-1]
        while ids and len(whole := tokens.decode(ids)) > len(text):
            ids = ids[1:] if whole.endswith(text) else ids[:-1]
        if text.strip() != tokens.decode(ids).strip() and not text.startswith(tokens.decode(ids)):
            ids = ()
        if completion.reasoning is None and ids and not form.channels:
            text = tokens.decode(ids)
    return Segment(kind="think", text=text, token_ids=ids, trainable=True)


def tokens_before(tokens: Tokens, ids: Sequence[int], chars: int) -> int:
    """How many tokens lie before a character of their text; one that crosses it lies after."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high + 1) // 2
        if len(tokens.decode(ids[:middle])) <= chars:
            low = middle
        else:
            high = middle - 1
    return low

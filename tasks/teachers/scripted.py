"""A teacher without a model: it answers by a fixed rule, for trying recipes and pipelines.

Its tokens are UTF-8 bytes and a few role tags, so every token rule can be checked by eye.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence

from thoughtmill.schemas.rows import FinishReason
from thoughtmill.schemas.teachers import Sampling, ScriptedTeacher
from thoughtmill.tasks.teachers.formats import format_of
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.teachers.protocol import Completion, Message

END = 256
"""Ends a message and a reply."""
_ROLES = {"system": 257, "user": 258, "assistant": 259, "tool": 260}
_ASSISTANT = _ROLES["assistant"]
_PROMPT_WORDS = 8


class ByteTokens:
    """One token a UTF-8 byte, above them the end tag and one tag a role."""

    def encode(self, text: str) -> list[int]:
        """The bytes of a text."""
        return list(text.encode())

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of bytes, tags left out; a character cut in two becomes U+FFFD."""
        return bytes(id_ for id_ in token_ids if id_ < END).decode(errors="replace")

    def cut(self, text: str, max_tokens: int) -> str:
        """The longest start of at most `max_tokens` bytes that is whole characters."""
        return text.encode()[: max(0, max_tokens)].decode(errors="ignore")

    def render(self, messages: Sequence[Message]) -> list[int]:
        """Role tag, text and end tag of each message, then the assistant's tag."""
        token_ids: list[int] = []
        for message in messages:
            token_ids += [_ROLES[message["role"]], *self.encode(_text(message["content"])), END]
        return [*token_ids, _ASSISTANT]


class Scripted:
    """The teacher of `ScriptedTeacher`: the same prompt and seed always give the same reply."""

    def __init__(self, config: ScriptedTeacher) -> None:
        self.identity = identify(config)
        self.tokens = ByteTokens()
        self.format = format_of(config.reasoning_format, template=None, opening=None)
        self._config = config

    async def chat(
        self, messages: Sequence[Message], sampling: Sampling, *, seed: int
    ) -> Completion:
        """Answer a chat."""
        return await self.extend(self.tokens.render(messages), sampling, seed=seed)

    async def extend(
        self, prompt_ids: Sequence[int], sampling: Sampling, *, seed: int
    ) -> Completion:
        """Go on after `prompt_ids`: with the rest of a reply begun there, or with a new reply."""
        await asyncio.sleep(self._config.delay_s)
        written = self._reply(list(prompt_ids), seed)
        text, token_ids, finish = _limited(written, sampling)
        return Completion(
            text=text,
            finish_reason=finish,
            prompt_tokens=len(prompt_ids),
            completion_tokens=len(token_ids),
            prompt_ids=tuple(prompt_ids),
            token_ids=token_ids,
        )

    async def score(self, token_ids: Sequence[int], *, from_position: int) -> list[float]:
        """Made-up log-probabilities in [-10, 0), each a function of its token and all before it."""
        assert from_position >= 1
        scores = []
        state = 0
        for id_ in token_ids:
            state = zlib.crc32(id_.to_bytes(4, "little"), state)
            scores.append(-10.0 * (state + 1) / 2**32)
        return scores[from_position:]

    async def close(self) -> None:
        """Nothing to free."""

    def _reply(self, prompt_ids: list[int], seed: int) -> bytes:
        asked, begun = prompt_ids, b""
        if _ASSISTANT in prompt_ids:
            at = len(prompt_ids) - prompt_ids[::-1].index(_ASSISTANT)
            asked = prompt_ids[:at]
            begun = bytes(id_ for id_ in prompt_ids[at:] if id_ < END)
        words = " ".join(self.tokens.decode(asked).split()[-_PROMPT_WORDS:])
        replies = [reply.replace("{prompt}", words).encode() for reply in self._config.replies]
        rests = [reply[len(begun) :] for reply in replies if begun and reply.startswith(begun)]
        return next((rest for rest in rests if rest), replies[seed % len(replies)])


def _limited(written: bytes, sampling: Sampling) -> tuple[str, tuple[int, ...], FinishReason]:
    """Text, token ids and finish reason once stop strings and token limit have had their say."""
    limit = sampling.max_tokens or len(written) + 1
    ends = {
        at + len(stop): at
        for stop in (stop.encode() for stop in sampling.stop)
        if (at := written.find(stop)) >= 0
    }
    end = min(ends, default=len(written) + 1)
    if end > limit:
        cut = written[:limit]
        return cut.decode(errors="replace"), tuple(cut), "length"
    if ends:
        return written[: ends[end]].decode(errors="replace"), tuple(written[:end]), "stop"
    return written.decode(errors="replace"), (*written, END), "stop"


def _text(content: str | list[Message]) -> str:
    """The text of a message's content; images are passed over."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")

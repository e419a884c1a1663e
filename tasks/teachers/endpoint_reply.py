"""What is in a server's reply: text, thought, usage and the end, in the shapes that servers send.

Read off the replies of vLLM, SGLang, llama.cpp, OpenAI, OpenRouter, DeepSeek, Mistral and gateways
that pass on Anthropic's content blocks.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thoughtmill.schemas.errors import ReplyRefused, TeacherError
from thoughtmill.schemas.rows import FinishReason

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
}
"""Finish reasons as servers spell them, in lower case; any other is an error."""
_DECLINED = {
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "refusal": "refusal",
    "tool_calls": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "repetition": "repetition",
    "insufficient_system_resource": "server_overloaded",
}
"""Ends that give no completion, and the reason a draw is dropped for."""
_MOST = 2**31 - 1
"""The largest token id and count: the lake keeps ids in 32 bits."""


@dataclass(frozen=True)
class Said:
    """The message of a reply."""

    text: str
    reasoning: str | None
    """The thought, where the server sends it apart."""


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counts them; None where it sends nothing that is a count."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    """Tokens of the thought, where they are counted apart."""


def said_in(message: Any) -> Said:
    """Text and thought of a chat message; raises `ReplyRefused` for a refusal."""
    if message is None:
        return Said("", None)
    if not isinstance(message, dict):
        raise ReplyRefused("unknown_content", f"a message of type {type(message).__name__}")
    if message.get("refusal"):
        raise ReplyRefused("refusal", _text_of(message["refusal"])[:200])
    content = message.get("content")
    thoughts = [message.get("reasoning_content") or message.get("reasoning")]
    if isinstance(content, list):
        thoughts += [part.get("thinking") for part in content if _kind(part) == "thinking"]
        for part in content:
            if _kind(part) == "refusal":
                raise ReplyRefused("refusal", _text_of(part.get("refusal"))[:200])
        content = [part for part in content if _kind(part) in ("text", "output_text", "")]
    reasoning = "".join(_text_of(thought) for thought in thoughts if thought)
    return Said(_text_of(content), reasoning or None)


def finish_in(choice: Mapping[str, Any]) -> FinishReason:
    """Why it ended; raises `ReplyRefused` where that leaves no completion."""
    reason = str(choice.get("finish_reason")).lower()
    if reason in _DECLINED:
        raise ReplyRefused(_DECLINED[reason], f"the server ended with finish_reason {reason!r}")
    return _FINISH.get(reason, "error")


def text_in(choice: Mapping[str, Any]) -> str:
    """The text of a continuation; raises `ReplyRefused` for content of an unknown shape."""
    return _text_of(choice.get("text"))


def usage_in(answer: Mapping[str, Any]) -> Usage:
    """The token counts of a reply; what is not a count is left out, as if it had not been sent."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return Usage()
    details = (usage.get(f"{name}_tokens_details") for name in ("completion", "output"))
    apart = [one.get("reasoning_tokens") for one in details if isinstance(one, dict)]
    thought = [_count_of(value) for value in (*apart, usage.get("reasoning_tokens"))]
    return Usage(
        prompt_tokens=_count_of(usage.get("prompt_tokens")),
        completion_tokens=_count_of(usage.get("completion_tokens")),
        reasoning_tokens=next((count for count in thought if count is not None), None),
    )


def ids_in(value: Any) -> tuple[int, ...]:
    """Token ids, none where the server sends none; raises `TeacherError` for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TeacherError(f"the server sends token ids of type {type(value).__name__}")
    ids = [_count_of(id_) if type(id_) is not str else None for id_ in value]
    known = tuple(id_ for id_ in ids if id_ is not None)
    if len(known) != len(ids):
        broken = value[ids.index(None)]
        raise TeacherError(f"the server sends a token id that is none: {str(broken)[:40]!r}")
    return known


def prompt_logprobs_in(
    choice: Mapping[str, Any], token_ids: Sequence[int]
) -> list[float | None] | None:
    """One log-probability for each prompt token, null at the first; None where there are none.

    Reads vLLM's `prompt_logprobs` (by token id) or the echoed `logprobs` (by position).
    """
    count = len(token_ids)
    by_id = choice.get("prompt_logprobs")
    if isinstance(by_id, list) and len(by_id) == count:
        found = [
            at.get(str(id_)) if isinstance(at, dict) else None
            for at, id_ in zip(by_id, token_ids, strict=True)
        ]
        return [_number_of(one.get("logprob")) if isinstance(one, dict) else None for one in found]
    logprobs = choice.get("logprobs")
    echoed = logprobs.get("token_logprobs") if isinstance(logprobs, dict) else None
    # The prompt, and the one token generated, unless that was the end of the text.
    if not isinstance(echoed, list) or not count <= len(echoed) <= count + 1:
        return None
    return [_number_of(value) for value in echoed[:count]]


def stop_in(choice: Mapping[str, Any]) -> tuple[str | int | None, bool]:
    """The stop string or token id that ended it, and whether the server says so at all."""
    for field in ("stop_reason", "matched_stop"):
        if field in choice:
            value = choice[field]
            return (value if isinstance(value, str | int) else None), True
    return None, False


def _count_of(value: Any) -> int | None:
    """A count, also one sent as `12.0` or `"12"`; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is int and 0 <= value <= _MOST:
        return value
    return None


def _number_of(value: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= sys.float_info.max else None


def _kind(part: Any) -> str:
    return str(part.get("type", "")) if isinstance(part, dict) else ""


def _text_of(content: Any) -> str:
    """The text of a content, which is a string, a part, or a list of them."""
    match content:
        case None:
            return ""
        case str():
            return content
        case list():
            return "".join(_text_of(part) for part in content)
        case {"text": text} | {"thinking": text} | {"refusal": text} | {"content": text}:
            return _text_of(text)
    raise ReplyRefused("unknown_content", f"content of type {type(content).__name__}")

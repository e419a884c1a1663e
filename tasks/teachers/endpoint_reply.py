"""What is in a server's reply: text, thought, usage and the end, in the shapes that servers send.

Read off the replies of vLLM, SGLang, llama.cpp, OpenAI, OpenRouter, DeepSeek, Mistral and gateways
that pass on Anthropic's content blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thoughtmill.schemas.errors import ReplyRefused
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


@dataclass(frozen=True)
class Said:
    """The message of a reply."""

    text: str
    reasoning: str | None
    """The thought, where the server sends it apart."""


def said_in(message: Mapping[str, Any]) -> Said:
    """Text and thought of a chat message; raises `ReplyRefused` for a refusal."""
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


def reasoning_tokens_in(usage: Mapping[str, Any]) -> int | None:
    """Tokens of the thought, where they are counted apart."""
    for where in ("completion_tokens_details", "output_tokens_details"):
        details = usage.get(where)
        if isinstance(details, dict) and isinstance(details.get("reasoning_tokens"), int):
            return int(details["reasoning_tokens"])
    counted = usage.get("reasoning_tokens")
    return counted if isinstance(counted, int) else None


def stop_in(choice: Mapping[str, Any]) -> tuple[str | int | None, bool]:
    """The stop string or token id that ended it, and whether the server says so at all."""
    for field in ("stop_reason", "matched_stop"):
        if field in choice:
            value = choice[field]
            return (value if isinstance(value, str | int) else None), True
    return None, False


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

"""What a reply other than a completion means: try again, give this prompt up, or give all up.

It reads statuses, headers and error bodies; it sends nothing and waits for nothing.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
from pydantic import SecretStr

from thoughtmill.schemas.errors import PromptTooLong, ReplyRefused, TeacherDown, TeacherError

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
_OUTAGE = frozenset({502, 503, 504})
_TOO_LONG_PARAMS = frozenset({"input_tokens", "input_text"})
_TOO_LONG_TEXT = re.compile(
    r"maximum (context|model) length|longer than the model's context length"
    r"|prompt is too long|exceeds the (available )?context (size|window|length)"
    r"|`inputs` tokens \+ `max_new_tokens` must be",
    re.IGNORECASE,
)
_NO_ROOM_TEXT = "max_tokens must be at least 1, got 0"


@dataclass(frozen=True, slots=True)
class Fault:
    """An attempt that came to nothing and may be made again."""

    what: str
    """As in "the last attempt got …"."""
    retry_after_s: float | None = None
    """How long the server asks to be left alone."""
    busy: bool = False
    """A 429: the endpoint works, others are being served."""
    unreachable: bool = False
    """No connection came about."""
    outage: bool = False
    """A proxy answers, or a server that is not up yet: 502, 503 or 504."""


class RefusalError(TeacherError):
    """The server refuses this one request for good: a 4xx without a meaning of its own."""


def completion_in(raw: bytes) -> dict[str, Any] | Fault:
    """The answer in the body of a 200; a fault where it has no choice, or one that broke off."""
    match _parsed(raw):
        case {"choices": [{**choice}, *_], **rest} as answer:
            broke_off = str(choice.get("finish_reason")).lower() == "error"
            if broke_off or choice.get("error") or rest.get("error"):
                return Fault("HTTP 200 with an error in it")  # of a router's upstream, as a rule
            return dict(answer)
    if raw.lstrip().startswith(b"<"):
        return Fault("an HTML page in place of a completion")
    return Fault("an empty reply" if not raw.strip() else "a reply that is no completion")


def read_reply(
    status: int, retry_after: str | None, raw: bytes, *, key: SecretStr | None, served: bool
) -> Fault | TeacherError | TeacherDown:
    """The fault behind a reply that is not 200, or the error that no retry will change.

    A teacher that has `served` knows its key and its model: a 403 or 404 is about one request then.
    Messages are without the endpoint's name; the key is cut out of what the server says.
    """
    error = _error(raw)
    if status in _AGAIN:
        if status == 429 and error.get("code") == "insufficient_quota":
            return TeacherDown("the account's quota is spent")
        return Fault(
            f"HTTP {status}",
            _seconds(retry_after),
            busy=status == 429,
            outage=status in _OUTAGE,
        )
    said = _one_line(str(error.get("message") or ""), key)
    if status in (401, 403):
        said = ""  # some servers quote a part of the key here
    if status == 401 or (status == 403 and not served):
        return TeacherDown(f"HTTP {status}")
    if status == 402:
        return TeacherDown("HTTP 402, the account has no credit left")
    if status == 404 and not served:
        return TeacherDown(
            "HTTP 404; check teacher.model and teacher.base_url, which ends in /v1 as a rule. "
            f"The server says: {said or 'nothing'}"
        )
    if status < 400:
        return TeacherDown(f"HTTP {status}; teacher.base_url has moved, or is no API")
    if _too_long(status, error):
        return PromptTooLong(said or f"HTTP {status}, the prompt is too long")
    return RefusalError(f"HTTP {status} {said}".rstrip())


def _parsed(raw: bytes) -> Any:
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _not_unicode(raw)


def _not_unicode(raw: bytes) -> None:
    """Nothing; raises `ReplyRefused` for JSON whose text is broken: bad UTF-8, lone surrogates."""
    try:
        answer = json.loads(raw.decode(errors="replace"))
    except (ValueError, RecursionError):
        return
    if isinstance(answer, dict) and "choices" in answer:
        raise ReplyRefused("broken_text", "the reply holds bad UTF-8 or half a character")


def _error(raw: bytes) -> dict[str, Any]:
    """The error object of a reply: OpenAI's nested form, or the flat one of older vLLM servers."""
    answer = _parsed(raw)
    if not isinstance(answer, dict):
        return {}
    error = answer.get("error", answer)
    if "detail" in answer and "error" not in answer:
        error = {"message": _detail(answer["detail"])}
    return error if isinstance(error, dict) else {"message": error}


def _detail(detail: Any) -> str:
    """FastAPI's `detail`: a text, or a list of fields and what is wrong with each."""
    if not isinstance(detail, list):
        return str(detail)
    return "; ".join(
        f"{'.'.join(map(str, entry.get('loc', ())))}: {entry.get('msg')}"
        for entry in detail
        if isinstance(entry, dict)
    )


def _too_long(status: int, error: dict[str, Any]) -> bool:
    """Whether a refusal is about the length of the prompt.

    By typed field: OpenAI's code, llama.cpp's type, the param of current vLLM.  Older vLLM and
    SGLang send nothing but a message; its fixed part is matched in that one case.  And a prompt
    that fills vLLM's context to the last token is refused for the room left, of all things.
    """
    if error.get("code") == "context_length_exceeded":
        return True
    if error.get("type") == "exceed_context_size_error":
        return True
    if str(error.get("param")) in _TOO_LONG_PARAMS:
        return True
    message = str(error.get("message") or "")
    if error.get("param") == "max_tokens" and _NO_ROOM_TEXT in message:
        return True
    untyped = not isinstance(error.get("code"), str) and error.get("param") is None
    return status == 400 and untyped and bool(_TOO_LONG_TEXT.search(message))


def _one_line(text: str, key: SecretStr | None) -> str:
    """At most 300 characters of what a server says, without the key."""
    if key is not None:
        text = text.replace(key.get_secret_value(), "[key]")
    return " ".join(text.split())[:300]


def _seconds(retry_after: str | None) -> float | None:
    """Seconds to wait by a Retry-After header: a number of seconds, or an HTTP date."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())

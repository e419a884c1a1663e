"""A Hugging Face tokenizer behind the `Tokens` protocol: what a prompt is in token ids.

It owns loading, whole-character cuts and chat templates.  Images stay placeholders: only an engine
knows how many tokens an image takes.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.teachers import ReasoningFormatName
from thoughtmill.tasks.teachers.formats import ReasoningFormat, format_of
from thoughtmill.tasks.teachers.protocol import Message

_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
_CHARS_PER_TOKEN = 16
_PROBE = "What is six times seven?"


class HfTokens:
    """A fast Hugging Face tokenizer with its chat template.

    `setting` is the config field an error message points at.  Raises `ConfigError` where the
    tokenizer is not to be had or is not a fast one.
    """

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        chat_template_args: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
        setting: str = "teacher.tokenizer",
    ) -> None:
        self.name = name
        self._setting = setting
        self._template_args = dict(chat_template_args or {})
        self._revision, self._trust = revision, trust_remote_code
        self._hf = _load(name, revision, trust_remote_code, setting)
        # The Rust tokenizer itself: no BatchEncoding around each call, and its decode never
        # "cleans up" spaces.  A tokenizer.json may carry truncation; a count must not.
        self._fast = self._hf.backend_tokenizer
        self._fast.no_truncation()
        self._fast.no_padding()
        self._added: dict[str, int] = self._hf.get_added_vocab()

    def added_id(self, text: str) -> int | None:
        """The id of a token that was added to the vocabulary whole, such as `</think>`."""
        return self._added.get(text)

    @property
    def template(self) -> str | None:
        """The chat template's source; of several, the one for chats."""
        found = self._hf.chat_template
        if isinstance(found, dict):
            found = found.get("default") or next(iter(found.values()), None)
        return None if found is None else str(found)

    def opening(self) -> str:
        """How a rendered prompt ends, from the user's last word on."""
        return self._rendered([{"role": "user", "content": _PROBE}]).rpartition(_PROBE)[2]

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text, no special tokens added."""
        return list(self._fast.encode(text, add_special_tokens=False).ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids; special tokens are left out, spaces stay as written."""
        return str(self._fast.decode(list(token_ids), skip_special_tokens=True))

    def cut(self, text: str, max_tokens: int) -> str:
        """The longest start of `text` that ends with one of its first `max_tokens` tokens.

        It is whole characters, has at most `max_tokens` tokens by itself, and comes back verbatim,
        never re-decoded.  Only a window of the text is encoded: cutting 2,000 tokens off a book
        does not cost the tokenization of the book.
        """
        if max_tokens <= 0:
            return ""
        if len(text) < max_tokens and text.isascii():
            return text  # no token is less than a character, but for the space some put in front
        size = _CHARS_PER_TOKEN * (max_tokens + 1)
        while True:
            encoding = self._fast.encode(text[:size], add_special_tokens=False)
            if len(encoding.ids) > max_tokens:
                break
            if size >= len(text):
                return text
            size *= 4
        offsets = encoding.offsets
        kept = max_tokens
        while kept > 0:
            end = offsets[kept - 1][1]
            # A character split over several tokens has one span in all of them.
            if offsets[kept][0] >= end:
                start = text[:end]
                # A start may be spelled longer than it was inside its text (whitespace rules).
                if len(self._fast.encode(start, add_special_tokens=False).ids) <= max_tokens:
                    return start
            kept -= 1
        return ""

    def render(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a chat of text, generation prompt added; as `apply_chat_template` gives.

        Raises `ConfigError` for a tokenizer without a template, for images, and where the template
        refuses the messages.
        """
        return self.encode(self._rendered(messages))

    def _rendered(self, messages: Sequence[Message]) -> str:
        if self._hf.chat_template is None:
            raise ConfigError(
                f"{self._setting}: {self.name!r} has no chat template; name a tokenizer that has"
                " one, or put a chat_template.jinja beside it"
            )
        from jinja2 import TemplateError

        try:
            return str(
                self._hf.apply_chat_template(
                    [{**turn, "content": self._text(turn["content"])} for turn in messages],
                    tokenize=False,
                    add_generation_prompt=True,
                    **self._template_args,
                )
            )
        except TemplateError as exc:
            roles = ", ".join(str(message["role"]) for message in messages)
            raise ConfigError(
                f"{self._setting}: the chat template of {self.name!r} refuses messages of the roles"
                f" {roles}: {exc}"
            ) from exc

    def render_with_images(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a chat whose image parts are the template's placeholders, not yet expanded.

        The template is that of the model's processor, where it has one.
        """
        if self._image_template is None:
            raise ConfigError(
                f"{self._setting}: {self.name!r} has no chat template that places images; name a"
                " vision model with one"
            )
        text = self._hf.apply_chat_template(
            [{**message, "content": _placed(message["content"])} for message in messages],
            chat_template=self._image_template,
            tokenize=False,
            add_generation_prompt=True,
            **self._template_args,
        )
        return self.encode(text)

    @cached_property
    def _image_template(self) -> str | None:
        from transformers import AutoProcessor

        try:
            processor = AutoProcessor.from_pretrained(
                self.name,
                revision=self._revision,
                trust_remote_code=self._trust,
                local_files_only=not (Path(self.name).is_dir() or hub_in_reach()),
            )
            found: str | None = getattr(processor, "chat_template", None)
        except (OSError, ValueError, ImportError):  # no processor, or one this machine can't load
            found = None
        own: str | None = self._hf.chat_template
        return found or own

    def _text(self, content: Any) -> Any:
        """The content of a message as templates take it: parts of text become one text."""
        if content is None or isinstance(content, str):
            return content
        if any(part.get("type") != "text" for part in content):
            raise ConfigError(
                f"{self._setting}: {self.name!r} renders text only, and this prompt has images;"
                " use a recipe that chats"
            )
        return "\n".join(part["text"] for part in content)


def _placed(content: Any) -> Any:
    """The content of a message as multimodal templates take it: image parts without their bytes."""
    if content is None or isinstance(content, str):
        return content
    return [{"type": "image"} if part["type"] == "image_url" else part for part in content]


def found_format(asked: ReasoningFormatName, tokens: HfTokens | None) -> ReasoningFormat:
    """A teacher's reasoning format: the one asked for, or what its chat template speaks of."""
    if tokens is None or asked != "auto" or tokens.template is None:
        return format_of(asked, template=None, opening=None)
    return format_of(asked, template=tokens.template, opening=tokens.opening())


def tokenizer_version(name: str) -> str:
    """What identifies a tokenizer: a hash of a folder's files, or the Hugging Face id as it is."""
    folder = Path(name)
    if not folder.is_dir():
        return name
    digest = hashlib.blake2b(digest_size=16)
    for file in _FILES:
        path = folder / file
        digest.update(file.encode() + b"\0" + (path.read_bytes() if path.exists() else b""))
    return digest.hexdigest()


def _load(name: str, revision: str | None, trust_remote_code: bool, setting: str) -> Any:
    from transformers import AutoTokenizer  # three seconds: not for those who never count tokens

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            name,
            revision=revision,
            trust_remote_code=trust_remote_code,
            local_files_only=not (Path(name).is_dir() or hub_in_reach()),
        )
    except (OSError, ValueError) as exc:
        raise ConfigError(_missing(name, revision, setting)) from exc
    if not tokenizer.is_fast:
        raise ConfigError(
            f"{setting}: {name!r} has no tokenizer.json, so its tokens cannot be placed in the"
            " text; name a fast tokenizer of the same model"
        )
    return tokenizer


def _missing(name: str, revision: str | None, setting: str) -> str:
    if Path(name).is_dir():
        return f"{setting}: the folder {name!r} holds no tokenizer; put its tokenizer.json there"
    at = f" at revision {revision!r}" if revision else ""
    reach = "" if hub_in_reach() else " (the hub is out of reach from here: only its cache counts)"
    return (
        f"{setting}: {name!r} is neither a folder here nor a tokenizer on Hugging Face{at}{reach};"
        " correct the name, or give a folder that holds its tokenizer.json"
    )


def hub_in_reach() -> bool:
    """Whether the hub's name resolves; without this, each load on a closed network waits 50 s."""
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return True
    host = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co")).hostname
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return False
    return True

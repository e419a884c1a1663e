"""How models mark their reasoning: the table of formats, and which of them a model has.

A format belongs to the teacher.  Recipes ask it what opens a thought, what ends one, and whether
code may be put into it.  The tags are those of the models' chat templates; vLLM's reasoning
parsers read the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.teachers import ReasoningFormatName

_TAIL = 24


class Encoder(Protocol):
    """The part of a tokenizer that a format needs."""

    def encode(self, text: str) -> list[int]: ...
    def decode(self, token_ids: Sequence[int]) -> str: ...


@dataclass(frozen=True)
class ReasoningFormat:
    """How a model marks its reasoning; texts are spelled with their special tokens."""

    name: str
    open: str = ""
    """What opens a thought; empty for a model that does not mark its reasoning."""
    close: str = ""
    """What ends a thought."""
    channels: bool = False
    """Whether a turn consists of several messages, each with a channel."""
    holds_code: bool = True
    """Whether code and its output can be put into the reasoning."""
    models: str = ""
    """Whose format it is."""

    @property
    def marked(self) -> bool:
        """Whether the model marks its reasoning at all."""
        return bool(self.close)

    @property
    def stops(self) -> tuple[str, ...]:
        """Stop strings that end generation at the end of the thought."""
        return (self.close,) if self.close else ()

    def opened_by(self, prompt_ids: Sequence[int], tokens: Encoder) -> bool:
        """Whether a prompt ends inside a thought, as some chat templates have it."""
        if not self.marked:
            return False
        tail, tag = list(prompt_ids[-_TAIL:]), tokens.encode(self.open.rstrip("\n"))
        for at in range(len(tail) - len(tag), -1, -1):
            if tail[at : at + len(tag)] == tag:
                rest = tail[at + len(tag) :]
                closed = _holds(rest, tokens.encode(self.close))
                return not closed and not tokens.decode(rest).strip()
        return False


FORMATS: dict[str, ReasoningFormat] = {
    form.name: form
    for form in (
        ReasoningFormat(
            "think",
            "<think>",
            "</think>",
            models="Qwen3, DeepSeek-R1 and its distillations, GLM, Phi-4-reasoning, OLMo 3, pico",
        ),
        ReasoningFormat("mistral", "[THINK]", "[/THINK]", models="Magistral"),
        ReasoningFormat("seed", "<seed:think>", "</seed:think>", models="Seed-OSS"),
        ReasoningFormat("minimax", "<mm:think>", "</mm:think>", models="MiniMax M3"),
        ReasoningFormat("kimi", "◁think▷", "◁/think▷", models="Kimi-VL-Thinking"),
        ReasoningFormat("exaone", "<thought>", "</thought>", models="EXAONE Deep"),
        ReasoningFormat(
            "cohere", "<|START_THINKING|>", "<|END_THINKING|>", models="Command A Reasoning"
        ),
        ReasoningFormat("gemma", "<|channel>thought\n", "<channel|>", models="Gemma 4"),
        ReasoningFormat(
            "harmony",
            "<|channel|>analysis<|message|>",
            "<|end|>",
            channels=True,
            holds_code=False,
            models="gpt-oss",
        ),
        ReasoningFormat("none", models="instruct models: Llama, Gemma 3, Phi-4, Qwen2.5, SmolLM2"),
    )
}
NONE = FORMATS["none"]
_HARMONY_MARKS = ("<|channel|>", "<|message|>", "<|start|>")


def format_of(
    asked: ReasoningFormatName, *, template: str | None, opening: str | None
) -> ReasoningFormat:
    """The format that is asked for, or for `auto` the one that a chat template speaks of.

    `opening`: how the template ends a prompt, where the assistant is to speak.  A template that
    opens a thought and closes it at once has thinking switched off, which is format `none`.  Where
    there is no template to look at (an endpoint without a tokenizer) `auto` is `think`.
    """
    if asked != "auto":
        return FORMATS[asked]
    if template is None:
        return FORMATS["think"]
    if all(mark in template for mark in _HARMONY_MARKS):
        return FORMATS["harmony"]
    tail = (opening or "").rstrip()
    for form in FORMATS.values():
        if not form.marked or form.channels or not _speaks_of(template, form):
            continue
        return NONE if tail.endswith(form.close) else form
    return NONE


def require_fit(form: ReasoningFormat, recipe: str, *, puts_code_in: bool) -> None:
    """Raise `ConfigError` where a recipe can't work with a teacher's format."""
    if puts_code_in and not form.holds_code:
        fit = ", ".join(f.name for f in FORMATS.values() if f.holds_code)
        raise ConfigError(
            f"recipe {recipe}: the teacher reasons in format {form.name!r} ({form.models}), and"
            " code can't be put into its channels; use recipe solve, or a teacher whose format is"
            f" one of {fit}"
        )


def _speaks_of(template: str, form: ReasoningFormat) -> bool:
    return form.open.rstrip("\n") in template or form.close in template


def _holds(ids: Sequence[int], wanted: Sequence[int]) -> bool:
    size = len(wanted)
    return any(list(ids[at : at + size]) == list(wanted) for at in range(len(ids) - size + 1))

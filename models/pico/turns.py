"""One conversation as text: the prompt of a recipe, and pico's turn after it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pieces import Piece

PROMPTS = Path(__file__).resolve().parents[2] / "tasks" / "recipes" / "prompts"


@dataclass(frozen=True)
class Conversation:
    """One user turn and pico's turn. `reply` is what follows the opened assistant turn."""

    job: str
    prompt: str
    reply: str
    system: str | None = None
    thinking: bool = True
    pieces: tuple[Piece, ...] = ()
    """The reply in stretches, where not all of it is pico's own."""

    @property
    def opened(self) -> str:
        """The text up to where pico takes over, as the chat template renders it."""
        system = f"<|system|>\n{self.system}<|end|>\n" if self.system else ""
        closed = "" if self.thinking else "\n</think>\n\n"
        return f"<|bos|>{system}<|user|>\n{self.prompt}<|end|>\n<|assistant|>\n<think>\n{closed}"

    @property
    def stretches(self) -> tuple[Piece, ...]:
        return self.pieces or (Piece(self.reply),)


@cache
def template(name: str) -> str:
    """As the recipes read it: without the newline that ends the file."""
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


@cache
def hints() -> dict[str, str]:
    """The hints of code_integrated by the moment they belong to."""
    names = ("start", "delayed", "distrust")
    return {name: template(f"hint_{name}") for name in names}


def render(name: str, **values: str) -> str:
    text = template(name)
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text


def turn(thought: str, reply: str) -> str:
    return f"{thought}\n</think>\n\n{reply}<|end|>"

"""The stretches of a turn: pico's own words, and what others put between them.

Each stretch is encoded on its own, as it is when a run inserts it, so that the tokens pico is
trained on are the tokens it meets. Only stretches with `loss` are learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Piece:
    text: str
    loss: bool = True


@dataclass
class Pieces:
    """A turn being written. Neighbours of pico's own grow together, insertions stay apart."""

    made: list[Piece] = field(default_factory=list)
    open: bool = False

    def say(self, text: str, *, loss: bool = True) -> None:
        """Words of pico's own; without `loss` they are met, not learned."""
        if self.open and self.made[-1].loss == loss:
            text = self.made.pop().text + text
        self.made.append(Piece(text, loss))
        self.open = True

    def insert(self, text: str) -> None:
        """Words of another: a hint, or what the interpreter printed."""
        self.made.append(Piece(text, False))
        self.open = False

    def forget(self) -> None:
        """Nothing that stands here so far is learned from."""
        self.made = [Piece(piece.text, False) for piece in self.made]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.made)

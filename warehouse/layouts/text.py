"""Plain training text: a document, then the thought about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from thoughtmill.warehouse.layouts.turns import FIELDS, TurnLayout


class Text(TurnLayout):
    """One row a trace: document and thought as one text, loss on all of it.

    TPT (arXiv 2509.20186) trains on the document followed by the thinking; separator and tags are
    not in the paper, so they are settings.
    """

    kind: Literal["text"] = "text"
    document: Literal["shown", "whole", "none"] = "shown"
    """The part of the document that the teacher saw, all of it, or none of it."""
    separator: str = "\n\n"
    """Between document and thought, and between thought and answer."""
    open_tag: str = "<think>\n"
    """Before the thought."""
    close_tag: str = "\n</think>"
    """After the thought."""
    answer: bool = False
    """Whether the answer follows the thought, where there is one."""

    fields: ClassVar[dict[str, str]] = {
        "text": "Training text: document, separator, thought between its tags.",
        **FIELDS,
    }

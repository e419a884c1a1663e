"""What a row of the table of published layouts says."""

from __future__ import annotations

from typing import Literal, NamedTuple

from thoughtmill.tasks.sources.fields import Fields


class Preset(NamedTuple):
    """One published layout."""

    about: str
    """Which data sets have it."""
    seen: str
    """Where its columns were looked up."""
    needs: tuple[str, ...]
    """Columns by which it is recognised."""
    fields: Fields
    item_kind: Literal["document", "problem"] = "problem"
    holds: tuple[tuple[str, str], ...] = ()
    """Columns and a pattern that their text must hold, where names alone are too common."""

"""Prompts in configs: a text, or the file that holds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from thoughtmill.schemas.errors import ConfigError

# Not the braces of LaTeX, which follow a command, `_`, `^` or another brace.
_PLACEHOLDER = re.compile(r"(?<![\\\w}^])\{([a-z_]+)\}")


def _from_file(value: str) -> str:
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text().rstrip("\n")
    except OSError as exc:
        raise ConfigError(f"prompt file {value[1:]!r} can't be read: {exc.strerror}") from exc


Prompt = Annotated[str, AfterValidator(_from_file)]
"""A prompt in a config: its text, or `@path` of the file that holds it.  Text is what is hashed."""


def shows(*needed: str, optional: tuple[str, ...] = ()) -> AfterValidator:
    """Refuses a prompt that lacks one of the placeholders `needed`, or has one of another name."""

    def checked(value: str) -> str:
        found = set(_PLACEHOLDER.findall(value))
        known = ", ".join(f"{{{name}}}" for name in (*needed, *optional))
        if missing := [name for name in needed if f"{{{name}}}" not in value]:
            raise ValueError(f"the prompt never shows {{{missing[0]}}}; its placeholders: {known}")
        if unknown := sorted(found - {*needed, *optional}):
            raise ValueError(f"{{{unknown[0]}}} is never filled in; its placeholders: {known}")
        return value

    return AfterValidator(checked)

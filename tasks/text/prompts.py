"""Prompts in configs: a text, or the file that holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from thoughtmill.schemas.errors import ConfigError


def _from_file(value: str) -> str:
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text().rstrip("\n")
    except OSError as exc:
        raise ConfigError(f"prompt file {value[1:]!r} can't be read: {exc.strerror}") from exc


Prompt = Annotated[str, AfterValidator(_from_file)]
"""A prompt in a config: its text, or `@path` of the file that holds it.  Text is what is hashed."""

"""The two parents of every pydantic model: `Row` for data, `Frozen` for settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """One immutable record.  Unknown fields and wrong types are errors, nothing is coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Frozen(BaseModel):
    """One immutable piece of configuration.

    Values come from YAML and the command line, so `1` may stand for `1.0`; unknown keys are errors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

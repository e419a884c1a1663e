"""The recipes, one file each.  `AnyRecipe` is the table that configs choose from."""

from __future__ import annotations

from tasks.recipes.thinking import Thinking

AnyRecipe = Thinking
"""A discriminated union over `kind` as soon as there are two."""

__all__ = ["AnyRecipe", "Thinking"]

"""The recipes, one file each.  `AnyRecipe` is the table that configs choose from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thoughtmill.tasks.recipes.annotate import Annotate
from thoughtmill.tasks.recipes.code_integrated import CodeIntegrated
from thoughtmill.tasks.recipes.solve import Solve
from thoughtmill.tasks.recipes.thinking import Thinking

AnyRecipe = Annotated[Thinking | Solve | CodeIntegrated | Annotate, Field(discriminator="kind")]
"""A discriminated union over `kind`."""

__all__ = ["Annotate", "AnyRecipe", "CodeIntegrated", "Solve", "Thinking"]

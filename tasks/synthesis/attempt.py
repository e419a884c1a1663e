"""One draw of one item: the place where a failure becomes a counted drop."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence

from thoughtmill.schemas.errors import PromptTooLong, ReplyRefused, TeacherDown, TeacherError
from thoughtmill.schemas.rows import Drop, Item, Trace, Verdict
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.recipe import Recipe


async def attempt(
    recipe: Recipe, item: Item, kit: Kit, timeout_s: float
) -> Sequence[Trace | Drop | Verdict]:
    """What a draw gave: at least one row, whatever the recipe and the teacher do.

    Raises `TeacherDown` alone, where no other draw would fare better.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return _checked(await recipe(item, kit))
    except PromptTooLong as exc:
        return kit.kept or [kit.drop("prompt_too_long", str(exc), stage="prompt")]
    except ReplyRefused as exc:
        return kit.kept or [kit.drop(exc.reason, str(exc), stage="generate")]
    except TeacherError as exc:
        return kit.kept or [kit.drop("teacher_error", str(exc), stage="generate")]
    except TimeoutError:
        limit = f"{timeout_s:g} s"
        return kit.kept or [kit.drop("timeout", f"not done after {limit}", stage="generate")]
    except TeacherDown:
        raise
    except Exception as exc:
        return [kit.drop("recipe_error", _told_of(exc))]


def _checked(ended: Sequence[Trace | Drop | Verdict]) -> Sequence[Trace | Drop | Verdict]:
    """What a recipe returned; raises `TypeError` where that would leave the draw without a row."""
    if not isinstance(ended, list | tuple):
        raise TypeError(f"the recipe returned {type(ended).__name__}, not a list of rows")
    for row in ended:
        if not isinstance(row, Trace | Drop | Verdict):
            raise TypeError(f"the recipe returned {type(row).__name__} among its rows")
    if not any(isinstance(row, Trace | Drop) for row in ended):
        raise TypeError("the recipe returned neither a trace nor a drop")
    return ended


def _told_of(exc: Exception) -> str:
    """The error and where it arose; errors that cannot be printed are named all the same."""
    said = traceback.TracebackException.from_exception(exc)
    where = said.stack[-1]
    return f"{' '.join(said.format_exception_only()).strip()} ({where.name}, line {where.lineno})"

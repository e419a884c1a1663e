"""A recipe that does what its item's text says, for tests of the engine loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Literal

from thoughtmill.schemas.claims import TraceClaim
from thoughtmill.schemas.errors import TeacherDown
from thoughtmill.schemas.rows import Drop, Item, Segment, Trace
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.recipe import Recipe


class Mood(Recipe):
    """`stuck` waits for ever, `tiring` too but after a first attempt, `broken` fails, `down` finds
    no teacher; all else is answered."""

    claim: ClassVar[TraceClaim] = "answers"
    kind: Literal["mood"] = "mood"
    patience_s: float = 0.02
    """What an answer takes."""

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop]:
        word = item.text.split()[0]
        said = Segment(kind="think", text=f"About {item.text}.", trainable=True)
        if word == "tiring":
            kit.kept.append(kit.trace([said], finish_reason="stop"))
        if word in ("stuck", "tiring"):
            await asyncio.Event().wait()
        if word == "broken":
            raise ValueError(f"no way to read {item.text!r}")
        if word == "down":
            raise TeacherDown("nobody answers")
        await asyncio.sleep(self.patience_s)
        return [kit.trace([said], finish_reason="stop")]

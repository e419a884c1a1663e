"""What every recipe is: a frozen model over one item."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.claims import TraceClaim
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.rows import Drop, Item, Segment, Trace, Verdict
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.teachers.protocol import Message

_PROMPTS = Path(__file__).parent / "prompts"


def prompt_text(name: str) -> str:
    """The text of a prompt file that ships with the recipes."""
    return (_PROMPTS / f"{name}.txt").read_text().rstrip("\n")


def _system(text: str) -> Message:
    return {"role": "system", "content": text}


class Recipe(Frozen):
    """How a teacher turns one item into traces.

    Its fields are its knobs and its JSON, prompt texts included, is its fingerprint.
    """

    kind: str
    version: ClassVar[int] = 1
    """Raised when the same knobs give other traces than before."""
    claim: ClassVar[TraceClaim]
    """What its traces claim: only what answers is judged against the gold."""
    needs_sandbox: ClassVar[bool] = False
    """Whether `kit.sandbox` must be there."""
    puts_code_in: ClassVar[bool] = False
    """Whether it puts code and outputs into the teacher's reasoning."""
    sampling: Sampling = Field(default=Sampling())
    """Sampling parameters; what is left open comes from the model."""
    system: str | None = None
    """System message; some models are switched to thinking by one."""

    @property
    def fingerprint(self) -> str:
        """Hash of the recipe's version and of every knob."""
        return content_hash("recipe", self.version, self.model_dump(mode="json"))

    def turns(self, content: str | Sequence[dict[str, Any]]) -> list[Message]:
        """The messages that put a user turn to the teacher."""
        asked: list[Message] = [{"role": "user", "content": content}]
        return asked if self.system is None else [_system(self.system), *asked]

    def asked(self, prompt: str, token_ids: tuple[int, ...]) -> Segment:
        """The prompt's segment: system message and user turn, as they were put."""
        text = prompt if self.system is None else f"{self.system}\n\n{prompt}"
        return Segment(kind="prompt", text=text, token_ids=token_ids, trainable=False)

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop | Verdict]:
        """One draw of one item: exactly one trace or drop that carries `kit.trace_id`.

        Further attempts (`kit.trace(..., attempt=1)`) and the recipe's own verdicts on its traces
        may come with it.
        """
        raise NotImplementedError

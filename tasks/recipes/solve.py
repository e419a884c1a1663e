"""Plain reasoning with an answer: a problem is thought through and answered.

Source: DeepDistill, arXiv 2504.17565 (several draws by teachers of rising strength, each answer
verified).  The wording of the prompt is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import ClassVar, Literal

from pydantic import Field

from schemas.claims import TraceClaim
from schemas.errors import ConfigError
from schemas.rows import Drop, Item, Segment, Trace
from schemas.teachers import Sampling
from tasks.kit import Kit
from tasks.recipes.recipe import Prompt, Recipe, prompt_text
from tasks.recipes.thought import Tags, parted
from tasks.teachers.protocol import Tokens
from tasks.verifiers.extract import find_answer

_MARKED = ("box", "tag", "hash", "phrase", "whole")
_WHOLE_REPLY = ("tests", "constraints")
"""Keys of `Item.meta` whose verifiers read the whole reply, not one answer in it."""


class Solve(Recipe):
    """Solve a problem: a thought, then a reply that holds the final answer.

    The whole completion is kept: the segments' token ids concatenate to what the teacher read and
    wrote.  A reply without an answer is a trace too; its verdict will say so.  Several draws and
    several teachers are the run's settings (`draws`, `teacher`).  Defaults: T 0.6, top-p 0.95,
    at most 32k tokens.
    """

    version: ClassVar[int] = 1
    claim: ClassVar[TraceClaim] = "answers"
    kind: Literal["solve"] = "solve"
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.95, max_tokens=32_768)
    prompt: Prompt = Field(default_factory=lambda: prompt_text("solve"))
    """User turn; `{problem}` is replaced by the problem, and its options where it has any."""
    open_tag: str = "<think>"
    """Tag that opens a thought, by the teacher or by its template."""
    close_tag: str = "</think>"
    """Tag between thought and reply; a teacher that never writes it only replies."""

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop]:
        problem = f"{item.text}\n\n{listed(item.choices)}" if item.choices else item.text
        prompt = self.prompt.replace("{problem}", problem)
        completion = await kit.chat([{"role": "user", "content": prompt}])
        written = completion.completion_tokens
        if completion.finish_reason != "stop":
            return [kit.drop(completion.finish_reason, f"not done after {written} tokens")]
        think, reply = parted(completion, _tokens(kit), Tags(self.open_tag, self.close_tag))
        if not think.text and not reply.text:
            return [kit.drop("empty", f"{written} tokens, neither thought nor reply")]
        asked = Segment(
            kind="prompt", text=prompt, token_ids=completion.prompt_ids, trainable=False
        )
        said = [part for part in (think, reply) if part.text or part.token_ids]
        answer = answer_of(reply.text, item)
        return [kit.trace([asked, *said], finish_reason="stop", answer=answer)]


def _tokens(kit: Kit) -> Tokens | None:
    """The teacher's tokenizer; None of an endpoint that names none."""
    try:
        return kit.tokens
    except ConfigError:
        return None


def listed(choices: Sequence[str]) -> str:
    """The options of a problem, one a line, each after its letter."""
    return "\n".join(
        f"{letter}. {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False)
    )


def answer_of(reply: str, item: Item) -> str | None:
    """The final answer of a reply: what it marks as such, else the reply; None of an empty one.

    An answer is only taken out of its reply where it reads the same without it, so a verifier
    comes to the same verdict by either; tests and constraints are about the whole reply.
    """
    if any(key in item.meta for key in _WHOLE_REPLY):
        return reply or None
    found = find_answer(reply)
    if found.text and found.how in _MARKED:
        alone = find_answer(found.text)
        if alone.how == "whole" and alone.text == found.text:
            return found.text
    return reply or None

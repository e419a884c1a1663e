"""Plain reasoning with an answer: a problem is thought through and answered.

Source: DeepDistill, arXiv 2504.17565 (several draws by teachers of rising strength, each answer
verified).  The wording of the prompt is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import ClassVar, Literal

from pydantic import Field

from thoughtmill.schemas.claims import TraceClaim
from thoughtmill.schemas.rows import Drop, Item, Segment, Trace
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.answers.extract import find_answer
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.recipe import Recipe, prompt_text
from thoughtmill.tasks.recipes.thought import Parted, parted, tokens_before
from thoughtmill.tasks.teachers.protocol import Tokens
from thoughtmill.tasks.text.prompts import Prompt

_MARKED = ("box", "tag", "hash", "phrase", "whole")
_WHOLE_REPLY = ("tests", "constraints")
"""Keys of `Item.meta` whose verifiers read the whole reply, not one answer in it."""


class Solve(Recipe):
    """Solve a problem: a thought, then a reply that holds the final answer.

    The whole completion is kept: the segments' token ids concatenate to what the teacher read and
    wrote.  Where the teacher marks no thought, the reply is parted where the line with its answer
    begins.  A reply without an answer is a trace too; its verdict will say so.  Several draws and
    several teachers are the run's settings (`draws`, `teacher`).  Defaults: T 0.6, top-p 0.95, at
    most 32k tokens.
    """

    version: ClassVar[int] = 1
    claim: ClassVar[TraceClaim] = "answers"
    kind: Literal["solve"] = "solve"
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.95, max_tokens=32_768)
    """How the teacher samples; what is left open is the model's own default."""
    prompt: Prompt = Field(default_factory=lambda: prompt_text("solve"))
    """User turn; `{problem}` is replaced by the problem, and its options where it has any."""

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop]:
        problem = f"{item.text}\n\n{listed(item.choices)}" if item.choices else item.text
        prompt = self.prompt.replace("{problem}", problem)
        completion = await kit.chat(self.turns(prompt))
        written = completion.completion_tokens
        if completion.finish_reason != "stop":
            return [kit.drop(completion.finish_reason, f"not done after {written} tokens")]
        tokens = kit.tokens_or_none
        parts = parted(completion, tokens, kit.format)
        if parts.fault is not None:
            return [kit.drop(parts.fault, f"{written} tokens without the channels' tags")]
        if parts.ended == "none":
            parts = at_answer(parts, tokens, item)
        think, reply = parts.think, parts.reply
        if not think.text and not reply.text:
            return [kit.drop("empty", f"{written} tokens, neither thought nor reply")]
        said = [part for part in (think, reply) if part.text or part.token_ids]
        answer = answer_of(reply.text, item)
        asked = self.asked(prompt, completion.prompt_ids)
        meta = {"thought_end": parts.ended}
        return [kit.trace([asked, *said], finish_reason="stop", answer=answer, meta=meta)]


def at_answer(parts: Parted, tokens: Tokens | None, item: Item) -> Parted:
    """A reply without a marked thought, parted where the line with its answer begins.

    What is before it is the reasoning.  A reply whose answer is not marked as one, is all there is,
    or is judged as a whole stays as it is.
    """
    reply = parts.reply
    at = answer_at(reply.text)
    if at is None or any(key in item.meta for key in _WHOLE_REPLY):
        return parts
    think, ids, reasoning = parts.think.token_ids, reply.token_ids, reply.text[:at]
    cut = 0
    if tokens and ids:
        lead = len(text := tokens.decode(ids)) - len(text.lstrip())
        cut = tokens_before(tokens, ids, lead + at)
    return parts._replace(
        think=Segment(
            kind="think", text=reasoning.rstrip(), token_ids=think + ids[:cut], trainable=True
        ),
        reply=Segment(kind="answer", text=reply.text[at:], token_ids=ids[cut:], trainable=True),
        ended="turn",
    )


def answer_at(reply: str) -> int | None:
    """Where the line begins in which a reply marks its answer, if there is anything before it."""
    found = find_answer(reply)
    if found.text is None or found.how not in ("box", "tag", "hash", "phrase"):
        return None
    at = reply.rfind(found.text)
    if at < 0:
        return None
    start = reply.rfind("\n", 0, at) + 1
    if start == 0 and found.how == "phrase":
        last = max(reply.rfind(f"{mark} ", 0, at) for mark in ".!?")
        start = last + 2 if last >= 0 else 0
    return start if reply[:start].strip() else None


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

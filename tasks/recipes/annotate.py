"""The reasoning behind a given answer, for text and for what an agent sees.

Source: Aux-Think, arXiv 2505.11886, §3 (a teacher is shown the true action of a step and writes the
reasoning that leads to it).  Prompts, the blind second pass and the leak check are ours; the paper
publishes none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from thoughtmill.schemas.claims import TraceClaim
from thoughtmill.schemas.errors import LakeError
from thoughtmill.schemas.rows import Drop, Item, Trace, Verdict
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.recipes.annotate_given import Given, Refused, given
from thoughtmill.tasks.recipes.annotate_leaks import LEAKS, compiled, leak_in
from thoughtmill.tasks.recipes.annotate_reply import Reply, filled, reply_of, unlabelled
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.recipe import Recipe, prompt_text
from thoughtmill.tasks.steps.actions import Actions
from thoughtmill.tasks.steps.images import image_parts
from thoughtmill.tasks.teachers.protocol import Completion
from thoughtmill.tasks.text.prompts import Prompt
from thoughtmill.tasks.verifiers.verifier import Opinion

_LEAK_CHARS = 80
CUT_OFF = "(cut off)"
"""What a blind reader said that its token limit cut off: it has no opinion."""
_REPLACED = {"correct": "consistent", "incorrect": "inconsistent"}


class Annotate(Recipe):
    """Write the reasoning that arrives at an item's gold answer, option or action.

    The reply is the reasoning and a last line with the conclusion.  Each kept attempt comes with
    three verdicts: `conclusion@2` (it ends with the gold), `leak@2` (it does not betray that it was
    told) and `blind@3` (who reads the reasoning alone arrives at the gold).  Attempts go on while
    one of them is `incorrect`; each is a trace of its own.  A reply that is cut off or holds no
    reasoning is no trace; a draw of only such replies is a drop.
    """

    version: ClassVar[int] = 3
    claim: ClassVar[TraceClaim] = "explains"
    kind: Literal["annotate"] = "annotate"
    sampling: Sampling = Sampling(temperature=0.7, top_p=0.95, max_tokens=2048)
    """How the teacher samples; what is left open is the model's own default."""
    question_prompt: Prompt = Field(default_factory=lambda: prompt_text("annotate_question"))
    """For a question and its answer; `{problem}` and `{answer}` are replaced."""
    choice_prompt: Prompt = Field(default_factory=lambda: prompt_text("annotate_choice"))
    """For multiple choice; `{problem}`, `{choices}` and `{answer}` (a letter) are replaced."""
    step_prompt: Prompt = Field(default_factory=lambda: prompt_text("annotate_step"))
    """For a step; `{instruction}`, `{history}`, `{answer}` and `{actions}` are replaced."""
    blind_prompt: Prompt = Field(default_factory=lambda: prompt_text("annotate_blind"))
    """The second pass over a question; `{reasoning}` is replaced, and `{problem}` where a prompt of
    yours shows it: a reader who sees the problem may solve it without the reasoning."""
    blind_step_prompt: Prompt = Field(default_factory=lambda: prompt_text("annotate_blind_step"))
    """The second pass over a step; `{reasoning}` and `{actions}` are replaced, and `{instruction}`
    where a prompt of yours shows it."""
    answer_label: str = Field(default="Answer:", min_length=1)
    """What the line with the conclusion begins with, in any case."""
    actions: Actions = Actions()
    """The grammar that actions of steps are read by."""
    attempts: int = Field(default=3, gt=0)
    """Most attempts of one draw."""
    blind: bool = True
    """Whether there is a second pass."""
    blind_images: bool = False
    """Show the second pass the images too; without, the reasoning must carry what was seen."""
    blind_sampling: Sampling = Sampling(temperature=0.0, max_tokens=1024)
    """Sampling parameters of the second pass; what is left open is as in `sampling`."""
    leaks: tuple[str, ...] = LEAKS
    """Regular expressions; a reasoning that holds one was told its answer."""
    min_reasoning_words: int = Field(default=5, ge=0)
    """Replies with less reasoning before the conclusion are no annotation (`too_short`)."""

    @field_validator("leaks")
    @classmethod
    def _patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        compiled(value)
        return value

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop | Verdict]:
        told = given(item, self.actions)
        if isinstance(told, Refused):
            return [kit.drop(told.reason, told.detail)]
        try:
            images = await asyncio.to_thread(image_parts, kit.storage, item)
        except LakeError as exc:
            return [kit.drop("missing_image", str(exc), stage="prompt")]
        prompt = self._prompt(told)
        tokens = kit.tokens_or_none
        kept = 0
        refused = Refused("empty", "no reply")
        for _ in range(self.attempts):
            completion = await kit.chat(self.turns(_content(prompt, images)))
            reply = reply_of(completion, tokens, kit.format, self.answer_label)
            unfit = _unfit(completion, reply, self.min_reasoning_words)
            if unfit is not None:
                refused = unfit
                continue
            blind = await self._second_pass(told, reply, images, kit) if self.blind else None
            asked = self.asked(prompt, completion.prompt_ids)
            # All that a student may be trained on, what follows the conclusion included.
            leak = leak_in(f"{reply.reasoning.text}{reply.last.text}", self.leaks)
            trace = kit.trace(
                [asked, *reply.segments],
                finish_reason=completion.finish_reason,
                answer=told.spelled(reply.conclusion),
                meta={**_meta(told, kept, leak, blind), "thought_end": reply.thought_end},
                attempt=kept,
            )
            opinions = self._opinions(told, reply, leak, blind)
            kit.kept += [trace, *(_verdict(trace, name, one) for name, one in opinions.items())]
            kept += 1
            if all(opinion.outcome != "incorrect" for opinion in opinions.values()):
                break
        return kit.kept or [kit.drop(refused.reason, refused.detail)]

    def _prompt(self, told: Given) -> str:
        template = {
            "question": self.question_prompt,
            "choice": self.choice_prompt,
            "step": self.step_prompt,
        }[told.kind]
        values = {
            "problem": told.item.text,
            "instruction": told.item.text,
            "choices": told.options,
            "answer": told.gold,
            "history": str(max(0, len(told.item.images) - 1)),
            "actions": ", ".join(self.actions.names),
        }
        return filled(template, values)

    async def _second_pass(
        self, told: Given, reply: Reply, images: Sequence[dict[str, Any]], kit: Kit
    ) -> str:
        """What a reader of the reasoning concludes, as written; the gold is not shown."""
        problem = told.item.text
        if told.kind == "choice":
            problem = f"{problem}\n\n{told.options}"
        values = {
            "problem": problem,
            "instruction": told.item.text,
            "reasoning": unlabelled(reply.reasoning.text, self.answer_label).strip(),
            "actions": ", ".join(self.actions.names),
        }
        template = self.blind_step_prompt if told.kind == "step" else self.blind_prompt
        content = _content(filled(template, values), images if self.blind_images else ())
        sampling = self.blind_sampling.merged(kit.lane.sampling)
        completion = await kit.chat(self.turns(content), sampling)
        if completion.finish_reason != "stop":
            return CUT_OFF
        said = reply_of(completion, kit.tokens_or_none, kit.format, self.answer_label)
        whole = f"{said.reasoning.text}{said.last.text}".strip()
        # A reader that leaves the label out and says one line has still said it.
        return said.conclusion or (whole if "\n" not in whole else "")

    def _opinions(
        self, told: Given, reply: Reply, leak: str | None, blind: str | None
    ) -> dict[str, Opinion]:
        opinions = {
            "conclusion@2": told.arrived(told.judged(reply.conclusion)),
            "leak@2": Opinion("incorrect", "leak") if leak else Opinion("correct", "no_leak"),
        }
        if blind is CUT_OFF:
            opinions["blind@3"] = Opinion("undecided", "cut_off")
        elif blind is not None:
            found = told.judged(blind or None)
            reason = _REPLACED.get(found.outcome, found.reason)
            opinions["blind@3"] = told.arrived(Opinion(found.outcome, reason))
        return opinions


def _content(prompt: str, images: Sequence[dict[str, Any]]) -> str | list[dict[str, Any]]:
    return [*images, {"type": "text", "text": prompt}] if images else prompt


def _unfit(completion: Completion, reply: Reply, least_words: int) -> Refused | None:
    """Why a reply is no annotation at all."""
    written = f"{completion.completion_tokens} tokens"
    if completion.finish_reason != "stop":
        return Refused(completion.finish_reason, f"not done after {written}")
    if reply.fault is not None:
        return Refused(reply.fault, f"{written} without the channels' tags")
    if not reply.reasoning.text.strip():
        said = reply.last.text.strip() or reply.private.text.strip()
        reason = "no_reasoning" if said else "empty"
        return Refused(reason, f"{written}, no reasoning")
    words = len(reply.reasoning.text.split())
    if words < least_words:
        return Refused("too_short", f"{words} of {least_words} words of reasoning")
    return None


def _meta(told: Given, attempt: int, leak: str | None, blind: str | None) -> dict[str, str]:
    meta = {"given": told.kind, "gold": told.gold, "attempt": str(attempt)}
    if leak:
        meta["leak"] = leak[:_LEAK_CHARS]
    if blind is not None:
        meta["blind_answer"] = told.spelled(blind[:200]) or ""
    return meta


def _verdict(trace: Trace, verifier: str, opinion: Opinion) -> Verdict:
    return Verdict(
        trace_id=trace.trace_id,
        verifier=verifier,
        outcome=opinion.outcome,
        reason=opinion.reason,
        score=opinion.score,
    )

"""Thinking-augmented pretraining text: an expert's thought about a document.

Source: TPT, arXiv 2509.20186, §2 (generation) and its ablations (random focus point).  The wording
of the prompts, the end-of-context mark and the focus mark are ours.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from thoughtmill.schemas.claims import TraceClaim
from thoughtmill.schemas.rows import Drop, Item, Trace
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.recipe import Recipe, prompt_text
from thoughtmill.tasks.recipes.thought import bare
from thoughtmill.tasks.text.prompts import Prompt


class Thinking(Recipe):
    """Think about a document, and stop at the end of the thought.

    The final response is not generated: it would only summarise.  A teacher without a reasoning
    format is asked in plain words, and its whole reply is the thought.  Defaults are the paper's:
    documents cut to 2k tokens, at most 8k thinking tokens, T 0.6, top-p 0.9.
    """

    version: ClassVar[int] = 1
    claim: ClassVar[TraceClaim] = "muses"
    kind: Literal["thinking"] = "thinking"
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.9, max_tokens=8192)
    """How the teacher samples; what is left open is the model's own default."""
    variant: Literal["document", "focus"] = "document"
    """`document` thinks about the whole text; `focus` starts from a random place in it."""
    prompt: Prompt = Field(default_factory=lambda: prompt_text("thinking"))
    """User turn of variant `document`; `{document}` is replaced."""
    focus_prompt: Prompt = Field(default_factory=lambda: prompt_text("thinking_focus"))
    """User turn of variant `focus`; `{document}` and `{marker}` are replaced."""
    marker: str = "[reader is here]"
    """What is put into the document at the focus point."""
    document_tokens: int = Field(default=2048, gt=0)
    """Tokens of the document that are shown; cut on a token boundary."""
    min_thinking_tokens: int = Field(default=16, ge=0)
    """Shorter thoughts are dropped as `too_short`."""
    plain_prompt: Prompt = Field(default_factory=lambda: prompt_text("thinking_plain"))
    """As `prompt`, for teachers without a reasoning format: their whole reply is the thought."""
    plain_focus_prompt: Prompt = Field(default_factory=lambda: prompt_text("thinking_plain_focus"))
    """As `focus_prompt`, for teachers without a reasoning format."""

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop]:
        document = kit.tokens.cut(item.text, self.document_tokens)
        meta = {"document_chars": str(len(document))}
        form = kit.format
        whole, focus = (
            (self.prompt, self.focus_prompt)
            if form.marked
            else (self.plain_prompt, self.plain_focus_prompt)
        )
        shown, template = document, whole
        if self.variant == "focus":
            at = random.Random(kit.seed).randrange(len(document) + 1)
            shown = f"{document[:at]}{self.marker}{document[at:]}"
            template = focus.replace("{marker}", self.marker)
            meta["focus_char"] = str(at)
        prompt = template.replace("{document}", shown)
        messages = self.turns(prompt)
        sampling = kit.lane.sampling
        completion = await kit.chat(
            messages, sampling.model_copy(update={"stop": (*sampling.stop, *form.stops)})
        )
        read = completion.prompt_ids or tuple(kit.tokens.render(messages))
        parts = bare(completion, kit.tokens, form, opened=form.opened_by(read, kit.tokens))
        think, written = parts.think, completion.completion_tokens
        length = len(think.token_ids) or completion.reasoning_tokens or written
        if parts.fault is not None:
            return [kit.drop(parts.fault, f"{written} tokens without the tags of {form.name}")]
        if parts.ended == "hidden":
            return [kit.drop("thought_hidden", f"{completion.hidden_tokens} tokens of thought")]
        if completion.finish_reason != "stop":
            missing = f" without {form.close}" if form.marked else ", not done"
            return [kit.drop(completion.finish_reason, f"{length} tokens{missing}")]
        if parts.ended == "none" and completion.text.strip():
            return [kit.drop("no_thought", f"{written} tokens, no {form.open} among them")]
        if not think.text.strip():
            return [kit.drop("empty", f"{written} tokens, no thought")]
        if length < self.min_thinking_tokens:
            return [kit.drop("too_short", f"{length} of {self.min_thinking_tokens} tokens")]
        asked = self.asked(prompt, completion.prompt_ids)
        meta["thought_end"] = parts.ended
        return [kit.trace([asked, think], finish_reason="stop", meta=meta)]

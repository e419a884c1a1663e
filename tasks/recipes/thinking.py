"""Thinking-augmented pretraining text: an expert's thought about a document.

Source: TPT, arXiv 2509.20186, §2 (generation) and its ablations (random focus point).  The wording
of the prompts, the end-of-context mark and the focus mark are ours.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from schemas.claims import TraceClaim
from schemas.rows import Drop, Item, Segment, Trace
from schemas.teachers import Sampling
from tasks.kit import Kit
from tasks.recipes.recipe import Prompt, Recipe, prompt_text
from tasks.teachers.protocol import Completion


class Thinking(Recipe):
    """Think about a document, and stop at the end of the thought.

    The final response is never generated: it would only summarise.  Defaults are the paper's:
    documents cut to 2k tokens, at most 8k thinking tokens, T 0.6, top-p 0.9.
    """

    version: ClassVar[int] = 1
    claim: ClassVar[TraceClaim] = "muses"
    kind: Literal["thinking"] = "thinking"
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.9, max_tokens=8192)
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
    open_tag: str = "<think>"
    """Tag that opens a thought, for teachers whose template does not open it."""
    close_tag: str = "</think>"
    """Tag that ends a thought, and generation."""

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop]:
        document = kit.tokens.cut(item.text, self.document_tokens)
        meta = {"document_chars": str(len(document))}
        shown, template = document, self.prompt
        if self.variant == "focus":
            at = random.Random(kit.seed).randrange(len(document) + 1)
            shown = f"{document[:at]}{self.marker}{document[at:]}"
            template = self.focus_prompt.replace("{marker}", self.marker)
            meta["focus_char"] = str(at)
        prompt = template.replace("{document}", shown)
        sampling = kit.lane.sampling
        completion = await kit.chat(
            [{"role": "user", "content": prompt}],
            sampling.model_copy(update={"stop": (*sampling.stop, self.close_tag)}),
        )
        think = self._thought(completion, kit)
        length = len(think.token_ids) or completion.completion_tokens
        if completion.finish_reason != "stop":
            return [kit.drop(completion.finish_reason, f"{length} tokens without {self.close_tag}")]
        if not think.text.strip():
            return [kit.drop("empty", f"{completion.completion_tokens} tokens, no thought")]
        if length < self.min_thinking_tokens:
            return [kit.drop("too_short", f"{length} of {self.min_thinking_tokens} tokens")]
        asked = Segment(
            kind="prompt", text=prompt, token_ids=completion.prompt_ids, trainable=False
        )
        return [kit.trace([asked, think], finish_reason="stop", meta=meta)]

    def _thought(self, completion: Completion, kit: Kit) -> Segment:
        """The thought without its tags; its ids are those whose text lies inside it."""
        if completion.reasoning is not None:
            return Segment(kind="think", text=completion.reasoning.strip("\n"), trainable=True)
        ids, text = completion.token_ids, completion.text
        if ids:
            ids = _within(kit, ids, len(text))
            text = kit.tokens.decode(ids)
        opened = text.lstrip().startswith(self.open_tag)
        if opened:
            text = text.split(self.open_tag, 1)[1]
            while ids and len(kit.tokens.decode(ids)) > len(text):
                ids = ids[1:]
        return Segment(kind="think", text=text, token_ids=ids, trainable=True)


def _within(kit: Kit, ids: tuple[int, ...], chars: int) -> tuple[int, ...]:
    """The longest start of `ids` whose text is at most `chars` characters: the stop tag cut off.

    An end-of-text token, which has no text, is cut off too.
    """
    end = len(ids)
    if end and not kit.tokens.decode(ids[end - 1 :]):
        end -= 1
    while end and len(kit.tokens.decode(ids[:end])) > chars:
        end -= 1
    return ids[:end]

"""A teacher's opinion of each code block: is it new, and how much work does it save.

Source: OpenMathReasoning keeps solutions whose blocks a model judges novel and significant; the
wording of the questions is ours.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from thoughtmill.schemas.fences import code_at, output_of
from thoughtmill.schemas.ids import content_hash, seed_of
from thoughtmill.schemas.rows import Label, Trace
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.answers.extract import visible
from thoughtmill.tasks.labels.labeller import TeacherLabeller
from thoughtmill.tasks.teachers.protocol import Teacher
from thoughtmill.tasks.text.prompts import Prompt

_PROMPTS = Path(__file__).parent / "prompts"
_BLANK = re.compile(r"\{(problem|before|code|output)\}")


def _prompt(name: str) -> str:
    return (_PROMPTS / f"{name}.txt").read_text().rstrip("\n")


class BlockJudge(TeacherLabeller):
    """One label a code segment, by vote: the word that most votes name, its share as the score.

    Where no word has more than half of all votes the label is `undecided`.
    """

    words: ClassVar[tuple[str, ...]] = ()
    """What a vote may say; `UNSURE` and silence are no vote for anything."""
    votes: int = Field(default=3, gt=0)
    """Replies asked for each block."""
    prompt: Prompt = ""
    """Text with `{problem}`, `{before}`, `{code}`, `{output}`; asks for `VERDICT: …` at its end."""
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.95, max_tokens=2048)
    """Sampling of a vote."""
    max_chars: int = Field(default=6_000, gt=0)
    """Characters shown of the problem (its start) and of the writing before a block (its end)."""

    async def ask(self, trace: Trace, teacher: Teacher) -> Sequence[Label]:
        positions = [n for n, segment in enumerate(trace.segments) if segment.kind == "code"]
        return await asyncio.gather(*(self._label(trace, at, teacher) for at in positions))

    async def _label(self, trace: Trace, position: int, teacher: Teacher) -> Label:
        messages = [{"role": "user", "content": self._filled(trace, position)}]
        seed = content_hash("label", self.name, trace.trace_id, position)
        replies = await asyncio.gather(
            *(
                teacher.chat(messages, self.sampling, seed=seed_of(seed, number))
                for number in range(self.votes)
            )
        )
        votes = Counter(vote for reply in replies if (vote := self._vote(reply.text)))
        word, count = votes.most_common(1)[0] if votes else ("", 0)
        agreed = 2 * count > self.votes
        return Label(
            trace_id=trace.trace_id,
            position=position,
            labeller=self.name,
            label=word.lower() if agreed else "undecided",
            score=count / self.votes,
        )

    def _vote(self, reply: str) -> str | None:
        found = re.findall(
            rf"\bVERDICT\W{{0,6}}({'|'.join(self.words)}|UNSURE)\b",
            visible(reply) or "",
            re.IGNORECASE,
        )
        vote = found[-1].upper() if found else None
        return vote if vote in self.words else None

    def _filled(self, trace: Trace, position: int) -> str:
        """The prompt with its blanks filled; a blank inside a filling stays as it is."""
        segments = trace.segments
        before = "".join(s.text for s in segments[:position] if s.kind != "prompt")
        asked = "".join(s.text for s in segments if s.kind == "prompt")
        after = segments[position + 1] if position + 1 < len(segments) else None
        fillings = {
            "problem": asked[: self.max_chars],
            "before": before[-self.max_chars :],
            "code": code_at(segments, position),
            "output": output_of(after.text) if after and after.kind == "output" else "",
        }
        return _BLANK.sub(lambda m: fillings[m[1]].replace("</", "< /"), self.prompt)


class BlockNovelty(BlockJudge):
    """`novel` for a block that finds something out, `check` for one that goes over it again."""

    version: ClassVar[int] = 1
    words: ClassVar[tuple[str, ...]] = ("NOVEL", "CHECK")
    kind: Literal["block_novelty"] = "block_novelty"
    prompt: Prompt = _prompt("block_novelty")
    """As above, asking for NOVEL, CHECK or UNSURE."""


class BlockSignificance(BlockJudge):
    """`significant`, `moderate` or `trivial`: how much work a block takes off the solver."""

    version: ClassVar[int] = 1
    words: ClassVar[tuple[str, ...]] = ("SIGNIFICANT", "MODERATE", "TRIVIAL")
    kind: Literal["block_significance"] = "block_significance"
    prompt: Prompt = _prompt("block_significance")
    """As above, asking for SIGNIFICANT, MODERATE, TRIVIAL or UNSURE."""

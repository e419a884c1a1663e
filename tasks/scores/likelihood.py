"""How likely a teacher finds what was written: perplexity and mean log-probability.

One prefill gives both.  DeepDistill (arXiv 2504.17565) leaves out responses of perplexity above 20.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

from thoughtmill.schemas.rows import Score, Segment, Trace
from thoughtmill.tasks.scores.scorer import TeacherScorer
from thoughtmill.tasks.teachers.protocol import Teacher, TeacherIdentity, Tokens
from thoughtmill.tasks.teachers.signature import signed


class Scored(NamedTuple):
    """A trace as one token sequence, and the positions whose likelihood is asked for."""

    token_ids: list[int]
    positions: list[int]


class Likelihood(TeacherScorer):
    """Perplexity and mean natural log-probability of a trace's trainable tokens, given the rest.

    The trace's own token ids are scored where they are the teacher's (they decode to the segments'
    text); else the text is encoded anew, its prompt as a user turn.
    """

    version: ClassVar[int] = 1
    kind: Literal["likelihood"] = "likelihood"

    def names(self, teacher: TeacherIdentity) -> tuple[str, ...]:
        return tuple(
            signed(f"{what}@{self.version}", teacher) for what in ("perplexity", "mean_logprob")
        )

    async def ask(self, trace: Trace, teacher: Teacher) -> Sequence[Score]:
        scored = laid_out(trace.segments, teacher.tokens)
        if not scored.positions:
            return []
        first = scored.positions[0]
        found = await teacher.score(scored.token_ids, from_position=first)
        mean = math.fsum(found[at - first] for at in scored.positions) / len(scored.positions)
        values = (math.exp(-mean), mean)
        return [
            Score(trace_id=trace.trace_id, scorer=name, value=value)
            for name, value in zip(self.names(teacher.identity), values, strict=True)
        ]


def laid_out(segments: Sequence[Segment], tokens: Tokens) -> Scored:
    """The segments in a row; the very first token has nothing before it and is never scored."""
    ids = _own(segments, tokens) or _encoded(segments, tokens)
    row: list[int] = []
    positions: list[int] = []
    for segment, its_ids in zip(segments, ids, strict=True):
        if segment.trainable:
            positions += range(max(1, len(row)), len(row) + len(its_ids))
        row += its_ids
    return Scored(row, positions)


def _own(segments: Sequence[Segment], tokens: Tokens) -> list[list[int]] | None:
    """The ids that the segments carry; None where the teacher would read them otherwise."""
    for segment in segments:
        if segment.trainable and segment.text.strip():
            if not segment.token_ids:
                return None
            try:
                read = tokens.decode(segment.token_ids)
            except (OverflowError, ValueError):  # ids beyond this tokenizer's
                return None
            if segment.text.strip() not in read:
                return None
    return [list(segment.token_ids) for segment in segments]


def _encoded(segments: Sequence[Segment], tokens: Tokens) -> list[list[int]]:
    return [
        tokens.render([{"role": "user", "content": segment.text}])
        if number == 0 and segment.kind == "prompt"
        else tokens.encode(segment.text)
        for number, segment in enumerate(segments)
    ]

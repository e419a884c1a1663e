"""What a recipe is handed for one draw: a teacher that keeps count, and the ways to end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from thoughtmill.schemas.claims import CLAIM, TraceClaim
from thoughtmill.schemas.errors import ConfigError, TeacherError
from thoughtmill.schemas.ids import content_hash, seed_of
from thoughtmill.schemas.rows import Drop, FinishReason, Provenance, Segment, Trace, Verdict
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.sandbox import Sandbox
from thoughtmill.tasks.teachers.formats import ReasoningFormat
from thoughtmill.tasks.teachers.protocol import Completion, Message, Teacher

if TYPE_CHECKING:
    from thoughtmill.tasks.teachers.protocol import Tokens
    from thoughtmill.warehouse.storage import Storage


FAILURES = ("teacher_error", "recipe_error", "timeout", "error")
"""Drop reasons that count against a run's error budget: something broke, nothing was refused."""


@dataclass(frozen=True)
class Lane:
    """What all draws of one run share: a recipe, a teacher, and their fingerprints."""

    run_id: str
    recipe: str
    recipe_fingerprint: str
    teacher: str
    teacher_revision: str
    teacher_fingerprint: str
    sampling: Sampling
    """The recipe's sampling merged with the teacher's defaults."""
    claim: TraceClaim = "answers"
    """What its traces claim; each records it."""

    @property
    def name(self) -> str:
        """What traces of this lane compete for in the lake."""
        return f"{self.recipe_fingerprint}/{self.teacher_fingerprint}"

    @cached_property
    def sampling_json(self) -> str:
        """The sampling as traces keep it."""
        return self.sampling.model_dump_json(exclude_none=True)


@dataclass
class Kit:
    """One draw of one item.  All requests go through here: seeds and costs come by themselves."""

    teacher: Teacher
    lane: Lane
    item_id: str
    draw: int
    trace_id: str
    sandbox: Sandbox | None = None
    """Where model-written code runs; there for recipes that say `needs_sandbox`."""
    storage: Storage | None = None
    """The lake's files, for items with images."""
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    told: tuple[int, int, int] = (0, 0, 0)
    """Requests and tokens that traces of earlier attempts have told of."""
    kept: list[Trace | Verdict] = field(default_factory=list)
    """Earlier attempts: what stands where the teacher fails or the time is up."""
    started_at: float = field(default_factory=time.time)

    @property
    def tokens(self) -> Tokens:
        return self.teacher.tokens

    @property
    def tokens_or_none(self) -> Tokens | None:
        """The teacher's tokenizer; None of an endpoint that names none."""
        try:
            return self.teacher.tokens
        except ConfigError:
            return None

    @property
    def format(self) -> ReasoningFormat:
        """How the teacher marks its reasoning."""
        return self.teacher.format

    @property
    def seed(self) -> int:
        """Seed for the recipe's own choices, and of the first request."""
        return seed_of(self.trace_id)

    async def chat(
        self, messages: Sequence[Message], sampling: Sampling | None = None
    ) -> Completion:
        """`Teacher.chat` with the lane's sampling and the next seed of this draw."""
        return self._count(
            await self.teacher.chat(messages, sampling or self.lane.sampling, seed=self._next())
        )

    async def extend(
        self, prompt_ids: Sequence[int], sampling: Sampling | None = None
    ) -> Completion:
        """`Teacher.extend` with the lane's sampling and the next seed of this draw."""
        return self._count(
            await self.teacher.extend(prompt_ids, sampling or self.lane.sampling, seed=self._next())
        )

    def trace(
        self,
        segments: Sequence[Segment],
        *,
        finish_reason: FinishReason,
        answer: str | None = None,
        meta: Mapping[str, str] | None = None,
        attempt: int = 0,
    ) -> Trace:
        """The trace of this draw, its provenance filled in.

        A recipe that tries again keeps each attempt as a trace of its own, whose parent is the
        attempt before it; its costs are those since then.
        """
        lane = self.lane
        spent = (self.requests, self.prompt_tokens, self.completion_tokens)
        requests, read, written = (now - told for now, told in zip(spent, self.told, strict=True))
        self.told = spent
        return Trace(
            trace_id=self.attempt_id(attempt),
            item_id=self.item_id,
            draw=self.draw,
            parent_trace_id=self.attempt_id(attempt - 1) if attempt else None,
            segments=tuple(segments),
            answer=answer,
            finish_reason=finish_reason,
            provenance=Provenance(
                run_id=lane.run_id,
                recipe=lane.recipe,
                recipe_fingerprint=lane.recipe_fingerprint,
                teacher=lane.teacher,
                teacher_revision=lane.teacher_revision,
                teacher_fingerprint=lane.teacher_fingerprint,
                sampling=lane.sampling_json,
                seed=self.seed,
                requests=requests,
                prompt_tokens=read,
                completion_tokens=written,
                started_at=self.started_at,
                seconds=time.time() - self.started_at,
            ),
            meta={**(meta or {}), CLAIM: lane.claim, "reasoning_format": self.format.name},
        )

    def attempt_id(self, attempt: int) -> str:
        """Trace id of one attempt of this draw; the first has the draw's own."""
        return content_hash("attempt", self.trace_id, attempt) if attempt else self.trace_id

    def drop(self, reason: str, detail: str, *, stage: str = "recipe") -> Drop:
        """The drop of this draw; `reason` is a short snake_case noun."""
        return Drop(
            trace_id=self.trace_id,
            item_id=self.item_id,
            draw=self.draw,
            stage=stage,  # type: ignore[arg-type]
            reason=reason,
            detail=detail.encode(errors="replace").decode(),  # half characters fit no column
            run_id=self.lane.run_id,
            recipe_fingerprint=self.lane.recipe_fingerprint,
            teacher_fingerprint=self.lane.teacher_fingerprint,
            completion_tokens=self.completion_tokens,
        )

    def _next(self) -> int:
        self.requests += 1
        return seed_of(self.trace_id, self.requests - 1)

    def _count(self, completion: Completion) -> Completion:
        for count in (completion.prompt_tokens, completion.completion_tokens):
            if type(count) is not int or count < 0:  # a drop needs sound counters
                raise TeacherError(f"a token count that is none: {str(count)[:40]!r}")
        self.prompt_tokens += completion.prompt_tokens
        self.completion_tokens += completion.completion_tokens
        return completion

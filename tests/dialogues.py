"""Played dialogues for code-integrated traces: a teacher that follows a script, a stand-in sandbox.

The teacher goes on in its script where a request continues what it wrote.  Where somebody else has
written since, it takes the turn after the one it began with then, as a model reacts to a hint.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.rows import Drop, Item, Trace
from thoughtmill.schemas.teachers import Sampling, ScriptedTeacher
from thoughtmill.tasks.recipes import CodeIntegrated
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.sandbox import BlockResult
from thoughtmill.tasks.synthesis.worker import lane_of
from thoughtmill.tasks.teachers.formats import FORMATS
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.teachers.protocol import Completion, Tokens
from thoughtmill.tasks.teachers.scripted import ByteTokens

PROBLEM = Item(
    item_id="item-1", kind="problem", text="What is 12 * 34?", reference="408", source="sums"
)


class Player:
    """Plays turns; `eos` ends the last.  Keeps what it was sent and what it answered."""

    def __init__(self, turns: Sequence[str], tokens: Tokens, eos: int) -> None:
        self.identity = identify(ScriptedTeacher())
        self.tokens = tokens
        self.format = FORMATS["think"]
        self._turns = [tokens.encode(turn) for turn in turns]
        self._turns[-1].append(eos)
        self._began, self._turn, self._at = -1, -1, 0
        self._expected: list[int] = []
        self.requests: list[list[int]] = []
        self.last: tuple[int, ...] = ()

    async def extend(
        self, prompt_ids: Sequence[int], sampling: Sampling, *, seed: int
    ) -> Completion:
        asked = list(prompt_ids)
        if asked != self._expected:
            self._began = min(self._began + 1, len(self._turns) - 1)
            self._turn, self._at = self._began, 0
        self.requests.append(asked)
        await asyncio.sleep(0)
        ids, reason = self._write(sampling)
        self.last = tuple(ids)
        self._expected = [*asked, *ids]
        return Completion(
            text="",
            finish_reason=reason,
            prompt_tokens=len(asked),
            completion_tokens=len(ids),
            prompt_ids=tuple(asked),
            token_ids=tuple(ids),
        )

    def _write(self, sampling: Sampling):
        ids: list[int] = []
        while True:
            while self._at >= len(self._turns[self._turn]):
                if self._turn + 1 >= len(self._turns):
                    return [*ids, self._turns[-1][-1]], "stop"
                self._turn, self._at = self._turn + 1, 0
            ids.append(self._turns[self._turn][self._at])
            self._at += 1
            if ids[-1] == self._turns[-1][-1]:
                return ids, "stop"
            if any(stop in self.tokens.decode(ids) for stop in sampling.stop):
                return ids, "stop"
            if sampling.max_tokens is not None and len(ids) >= sampling.max_tokens:
                return ids, "length"


class Desk:
    """A sandbox of one session that prints what it is told to, and remembers what it ran."""

    def __init__(self, outputs: Sequence[str] = ("408",)) -> None:
        self.ran: list[str] = []
        self.sessions = 0
        self._outputs = outputs
        self.alive = True

    @asynccontextmanager
    async def session(self, *, seed: int | None = None) -> AsyncIterator[Desk]:
        self.sessions += 1
        yield self

    async def run(self, code: str, *, timeout_s: float | None = None) -> BlockResult:
        text = self._outputs[len(self.ran) % len(self._outputs)]
        self.ran.append(code)
        return BlockResult(output=text, error=None, timed_out=False, seconds=0.0, text=text)


def kit_of(recipe: CodeIntegrated, teacher, sandbox) -> Kit:
    lane = lane_of("run-1", recipe, teacher.identity)
    name = trace_id("item-1", lane.recipe_fingerprint, lane.teacher_fingerprint, 0)
    return Kit(teacher, lane, "item-1", 0, name, sandbox)


def draw(recipe: CodeIntegrated, teacher, sandbox, item: Item = PROBLEM) -> Trace | Drop:
    """What one draw gives."""
    (row,) = asyncio.run(recipe(item, kit_of(recipe, teacher, sandbox)))
    return row


def played(*turns: str, desk: Desk | None = None, **knobs) -> Trace | Drop:
    """What comes of these turns, in bytes."""
    teacher = Player(turns, ByteTokens(), eos=256)
    return draw(CodeIntegrated(**knobs), teacher, desk or Desk())


def parts(trace: Trace) -> list[tuple[str, str]]:
    """Kinds and texts, the prompt left out."""
    return [(s.kind, s.text) for s in trace.segments if s.kind != "prompt"]

"""Runs pico in the protocol of code_integrated, blocks answered by a real interpreter.

A stand-in for the recipe, good for measuring pico in batches. The two moments at which a hint
belongs are found by the recipe's own detectors.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from engine import Engine
from large import Large
from problems import Problem
from turns import Conversation, hints, render

sys.path.append(str(Path(__file__).resolve().parents[2]))
from thoughtmill.tasks.sandbox import BubblewrapSandbox, Session, open_sandbox
from thoughtmill.tasks.text.detectors import DelayedComputation, Distrust

FENCE = "\n```\n"
BLOCK = re.compile(r"(?:^|\n)```python\n(.*)\n```\n\Z", re.DOTALL)
WORKING = re.compile(r"\d+[-+*/]\d+: |\d+ by \d+: ")
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
CALLS = 15
LONGEST = 1900


@dataclass
class Run:
    """One turn as it grows. `said` are pico's stretches, each with what was inserted before it."""

    problem: Problem | Large
    ids: list[int]
    budget: int
    text: str = ""
    tokens: int = 0
    inserted: str = ""
    output: str | None = None
    said: list[tuple[str, str]] = field(default_factory=list)
    errors: int = 0
    calls: int = 0
    over: bool = False

    @property
    def right(self) -> bool:
        return BOXED.findall(self.text)[-1:] == [self.problem.answer]

    def insert(self, engine: Engine, kind: str, text: str) -> None:
        self.ids += engine.encode(text)
        self.text += text
        self.inserted = kind


def first_run(engine: Engine, problem: Problem | Large, budget: int, opening: str) -> Run:
    prompt = render("code_integrated", problem=problem.question)
    run = Run(problem, engine.encode(Conversation("code", prompt, "").opened), budget)
    if opening:
        run.insert(engine, "start", f"{hints()[opening]}\n")
    return run


def hint_place(text: str, output: str | None, *, ended: bool) -> tuple[str, int] | None:
    """Which hint belongs into a stretch and at which character; `output` is what it follows."""
    prose, fence, _ = text.partition("```python\n")
    prose += "\n" if ended and not fence else ""
    places = {
        "distrust": None if output is None else Distrust().find(prose, output),
        "delayed": DelayedComputation().find(prose),
    }
    found = [(at, kind) for kind, at in places.items() if at is not None]
    return min(found)[::-1] if found else None


def kept(engine: Engine, ids: list[int], text: str, place: int) -> list[int]:
    """The ids whose text is the first `place` characters."""
    count = len(ids)
    while count and len(engine.decode(ids[:count])) > place:
        count -= 1
    return ids[:count]


async def answer(engine: Engine, run: Run, session: Session) -> None:
    """Runs the block that the text ends with and shows what came of it."""
    found = BLOCK.search(run.text)
    if not found:
        run.over = run.calls > CALLS
        return
    result = await session.run(found[1].rpartition("```python\n")[2])
    run.calls += 1
    run.errors += result.error is not None
    run.output = result.text.rstrip("\n")
    run.insert(engine, "output", f"```output\n{run.output}\n```\n")


async def drive(engine: Engine, runs: Sequence[Run], hinted: bool) -> None:
    settings = BubblewrapSandbox(packages=(), preload=(), timeout_s=5.0, sessions=len(runs))
    async with open_sandbox(settings) as sandbox, AsyncExitStack() as stack:
        sessions = {
            id(run): await stack.enter_async_context(sandbox.session(seed=0)) for run in runs
        }
        while going := [run for run in runs if not run.over]:
            limits = [min(run.budget - run.tokens, LONGEST - len(run.ids)) for run in going]
            if hinted:
                limits = [min(limit, 128) for limit in limits]
            made = engine.go_on([run.ids for run in going], limits, FENCE)
            stopped = []
            for run, stretch in zip(going, made, strict=True):
                ids, text = stretch.ids, stretch.text
                wanted = hint_place(text, run.output, ended=stretch.ended) if hinted else None
                if wanted:
                    ids = kept(engine, ids, text, len(text[: wanted[1]].rstrip(" ")))
                    text = engine.decode(ids)
                run.ids += ids
                run.text += text
                run.tokens += len(ids)
                run.said.append((run.inserted, text))
                run.inserted, run.output = "", None
                left = min(run.budget - run.tokens, LONGEST - len(run.ids))
                run.over = (stretch.ended and not wanted) or left < 8 or run.calls >= CALLS
                if wanted and not run.over:
                    joint = "" if run.text.endswith("\n") or not run.text else "\n"
                    run.insert(engine, wanted[0], f"{joint}{hints()[wanted[0]]}\n")
                elif stretch.stopped and not run.over:
                    stopped.append(run)
            await asyncio.gather(*(answer(engine, run, sessions[id(run)]) for run in stopped))


def code_runs(
    engine: Engine, asked: Sequence[Problem | Large], opening: str, hinted: bool, budget: int
) -> list[Run]:
    """One run a problem: begun with the hint `opening` if any, `hinted` also inside the thought."""
    runs = [first_run(engine, problem, budget, opening) for problem in asked]
    for first in range(0, len(runs), 200):
        asyncio.run(drive(engine, runs[first : first + 200], hinted))
    return runs

"""A lake to mix from: problems with right and wrong traces, and documents with thoughts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.lakes import (
    RECIPE,
    TEACHER,
    committer,
    draws_shard,
    item,
    land_items,
    settings_of,
    trace,
)
from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.mixes import MixSettings
from thoughtmill.schemas.rows import Item, Segment, Trace
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.lake import Lake

PROBLEMS = 24
DOCUMENTS = 12
DRAWS = 4


def problem(number: int) -> Item:
    """Problem `number` of three domains and two sources; the last is multiple choice."""
    last = number == PROBLEMS - 1
    return item(
        number,
        kind="problem",
        source=f"set-{number % 2}",
        domain=("algebra", "geometry", "coding")[number % 3],
        text=f"What is {number} + 1?",
        reference=str(number + 1),
        choices=("one", "two") if last else (),
    )


def document(number: int) -> Item:
    return item(number, domain="hills", source="documents")


def passes(number: int) -> int:
    """How many of its draws solve a problem: 0 to 4."""
    return number % (DRAWS + 1)


def attempt(of: Item, number: int, draw: int, *, say: str | None = None) -> Trace:
    """A trace of an item whose thought has 10 to 57 tokens."""
    tokens = tuple(range(10 + (number * 7 + draw * 13) % 48))
    asked = Segment(kind="prompt", text=f"Solve: {of.text}", token_ids=(1, 2, 3), trainable=False)
    think = Segment(
        kind="think", text=f"Thought {number}.{draw}.\n", token_ids=tokens, trainable=True
    )
    said = (
        () if say is None else (Segment(kind="answer", text=say, token_ids=(7,), trainable=True),)
    )
    return trace(
        0,
        draw,
        trace_id=trace_id(of.item_id, RECIPE, TEACHER, draw),
        item_id=of.item_id,
        segments=(asked, think, *said),
        answer=None if say is None else str(number + 1),
        meta={"document_chars": "11", "claim": "muses" if say is None else "answers"},
    )


def mixed_lake(folder: Path) -> LakeSettings:
    """24 problems of four judged draws each and 12 documents of one."""
    settings = settings_of(folder)
    with Lake.create(settings) as lake:
        land_items(lake, [problem(n) for n in range(PROBLEMS)], source="problems")
        land_items(lake, [document(n) for n in range(DOCUMENTS)])
        rows = [attempt(document(n), n, 0) for n in range(DOCUMENTS)]
        judged = []
        for n in range(PROBLEMS):
            for draw in range(DRAWS):
                made = attempt(problem(n), n, draw, say=f"It is {n + 1}.")
                rows.append(made)
                outcome = "correct" if draw < passes(n) else "incorrect"
                judged.append([made.trace_id, "exact@2", outcome, "equal", None])
        committer(lake, planned=len(rows)).commit(draws_shard(settings, rows, range(len(rows))))
        lake.connection.executemany("INSERT INTO verdicts VALUES (?, ?, ?, ?, ?)", judged)
    return settings


def mix_of(**asked: Any) -> MixSettings:
    """Mix settings as a config gives them."""
    return MixSettings.model_validate({"name": "mix", **asked})

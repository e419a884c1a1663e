"""Tables of pico with Python: accuracy by level, and whether it goes on from each hint."""

from __future__ import annotations

import re
from collections.abc import Sequence

from code_runs import BOXED, WORKING, Run, code_runs
from engine import Engine, average
from large import exam
from turns import Conversation, render

LEVELS = range(1, 8)
DOUBTS = re.compile(r"by hand|not sure about|not look right|go over it again|column by column")


def by_hand_first(run: Run) -> bool:
    """Whether written working comes before any block."""
    working, fence = WORKING.search(run.text), run.text.find("```python")
    return bool(working) and (fence < 0 or working.start() < fence)


def doubted(text: str) -> bool:
    return bool(DOUBTS.search(text.split("\n", 1)[0]) or WORKING.search(text))


def after(runs: Sequence[Run], inserted: str) -> list[str]:
    """What pico said right after each insertion of this kind."""
    return [text for run in runs for kind, text in run.said if kind == inserted]


def block_first(text: str) -> bool:
    """Whether the stretch is a block that was closed, no working by hand before it."""
    return text.endswith("\n```\n") and not WORKING.search(text)


def accuracy(engine: Engine, count: int, seed: int, max_tokens: int) -> dict[str, list[Run]]:
    """Prints pass rates by level, and gives the runs of each way of using code."""
    asked = [exam(level, seed + n) for level in LEVELS for n in range(count)]
    prompts = [Conversation("solve", render("solve", problem=one.question), "") for one in asked]
    plain = engine.sample(prompts, max_tokens)
    solved = [
        BOXED.findall(draw.reply)[-1:] == [one.answer]
        for one, draw in zip(asked, plain, strict=True)
    ]
    ways = {
        "none": code_runs(engine, asked, "", False, max_tokens),
        "start": code_runs(engine, asked, "start", False, max_tokens),
        "inside": code_runs(engine, asked, "", True, max_tokens),
    }
    heads = "level | problems | solve.txt | code, no hint | start hint | hints inside | blocks"
    print(f"\n| {heads} | tokens, no hint | tokens, inside |\n|{' --- |' * 9}")
    for n, level in enumerate(LEVELS):
        part = slice(n * count, (n + 1) * count)
        shares = [average(solved[part])]
        shares += [average([run.right for run in runs[part]]) for runs in ways.values()]
        blocks = average([run.calls for run in ways["start"][part]])
        lengths = [average([run.tokens for run in ways[way][part]]) for way in ("none", "inside")]
        cells = " | ".join(f"{share:.2f}" for share in shares)
        print(
            f"| {level} | {count} | {cells} | {blocks:.1f} | {lengths[0]:.0f} | {lengths[1]:.0f} |"
        )
    return ways


def habits(ways: dict[str, list[Run]]) -> None:
    """Prints what pico does without a hint and how it goes on from each."""
    free, started, inside = ways["none"], ways["start"], ways["inside"]
    first = [not by_hand_first(run) and run.calls > 0 for run in started]
    rows = {
        "no hint: begins by hand": [by_hand_first(run) for run in free],
        "no hint: runs any block": [run.calls > 0 for run in free],
        "no hint: after an output, doubts it or works by hand": [
            doubted(text) for text in after(free, "output")
        ],
        "start hint: computes in a block first": first,
        "delayed hint: closes the opened block at once": [
            block_first(text) for text in after(inside, "delayed")
        ],
        "distrust hint: goes on without working by hand": [
            not doubted(text) for text in after(inside, "distrust")
        ],
        "all blocks of the three: run without an error": [
            n >= run.errors for runs in ways.values() for run in runs for n in range(run.calls)
        ],
    }
    print("\n| habit | cases | share |\n| --- | --- | --- |")
    for name, cases in rows.items():
        print(f"| {name} | {len(cases)} | {average(cases):.2f} |")

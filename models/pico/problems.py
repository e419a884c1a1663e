"""Graded arithmetic word problems: level 1 (one easy step) to level 5 (five steps, big numbers).

Owns the stories and their answers. How a solution is thought out lives in solutions.py; the
words come from themes.toml, and nothing else of ours is imported.

    python models/pico/problems.py --level 3 --count 100
"""

from __future__ import annotations

import argparse
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

Op = Literal["+", "-", "*", "/"]


@dataclass(frozen=True)
class Spec:
    """What one level may contain: sizes are upper bounds of what is drawn."""

    steps: int
    start: int
    change: int
    factor: int
    ceiling: int
    multiply_share: float
    distraction: float


@dataclass(frozen=True)
class Step:
    """One event of a story: the running value is changed by `operand`."""

    op: Op
    operand: int
    phrase: str


@dataclass(frozen=True)
class Problem:
    question: str
    answer: str
    level: int
    who: str
    unit: str
    start: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Theme:
    """A little world. {who} is a name, {n} a number; a phrase is what happens, in one clause."""

    unit: str
    opening: list[str]
    events: dict[Op, list[str]]
    asks: list[str]
    aside: list[str]


LEVELS: dict[int, Spec] = {
    1: Spec(1, 40, 30, 5, 99, 0.15, 0.0),
    2: Spec(2, 90, 80, 6, 400, 0.3, 0.0),
    3: Spec(3, 300, 250, 9, 2000, 0.35, 0.1),
    4: Spec(4, 500, 400, 9, 5000, 0.4, 0.15),
    5: Spec(5, 900, 800, 12, 20000, 0.45, 0.25),
}


EVENTS: dict[Op, str] = {"+": "more", "-": "less", "*": "times", "/": "shared"}
WORDS = tomllib.loads(Path(__file__).with_name("themes.toml").read_text(encoding="utf-8"))
NAMES: list[str] = WORDS["names"]
THEMES = tuple(
    Theme(
        unit=row["unit"],
        opening=row["opening"],
        events={op: row[name] for op, name in EVENTS.items()},
        asks=row["asks"],
        aside=row["aside"],
    )
    for row in WORDS["theme"]
)
OPENERS = ("Then", "After that,", "Next,", "Later,", "Soon", "In the evening")


def multiple(rng: Random, value: int, spec: Spec) -> int:
    """A factor that keeps the product under the ceiling; 0 when there is none."""
    top = min(spec.factor, spec.ceiling // max(value, 1))
    return rng.randint(2, top) if top >= 2 else 0


def step(rng: Random, value: int, spec: Spec, theme: Theme) -> Step:
    op: Op = rng.choice("+-")  # type: ignore[assignment]
    operand = 0
    if rng.random() < spec.multiply_share:
        divisors = [n for n in range(2, 10) if value % n == 0 and value // n > 4]
        if divisors and rng.random() < 0.35:
            op, operand = "/", rng.choice(divisors)
        else:
            op, operand = "*", multiple(rng, value, spec)
    if not operand:
        op = "+" if op in "*/" else op
        if op == "-" and value < 6:
            op = "+"
        low = max(2, spec.change // 12)
        operand = rng.randint(low, spec.change)
        if op == "-":
            operand = rng.randint(min(low, value // 2), min(spec.change, value - 1))
    return Step(op, operand, rng.choice(theme.events[op]).format(n=operand))


def apply(value: int, step: Step) -> int:
    match step.op:
        case "+":
            return value + step.operand
        case "-":
            return value - step.operand
        case "*":
            return value * step.operand
        case "/":
            return value // step.operand


def compose(rng: Random, spec: Spec, level: int) -> Problem:
    theme = rng.choice(THEMES)
    who = rng.choice(NAMES)
    value = start = rng.randint(max(5, spec.start // 8), spec.start)
    opening = rng.choice(theme.opening)
    steps: list[Step] = []
    sentences = [opening.format(who=who, n=start)]
    for n in range(spec.steps):
        event = step(rng, value, spec, theme)
        steps.append(event)
        value = apply(value, event)
        opener = "" if n == 0 else rng.choice(OPENERS) + " "
        sentences.append(f"{opener}{who} {event.phrase}.")
    if rng.random() < spec.distraction:
        aside = rng.choice(theme.aside).format(who=who, n=rng.randint(2, spec.change))
        sentences.insert(rng.randint(1, len(sentences)), aside)
    sentences.append(rng.choice(theme.asks).format(who=who))
    return Problem(" ".join(sentences), str(value), level, who, theme.unit, start, tuple(steps))


def problem(level: int, seed: int) -> Problem:
    """The problem of this level and seed; always the same one."""
    if level not in LEVELS:
        raise ValueError(f"level must be one of {sorted(LEVELS)}, got {level}")
    return compose(Random(f"pico problem {level} {seed}"), LEVELS[level], level)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print graded word problems as JSON lines.")
    parser.add_argument("--level", type=int, choices=sorted(LEVELS), help="default: all levels")
    parser.add_argument("--count", type=int, default=10, help="problems a level")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    args = parser.parse_args()
    for level in [args.level] if args.level else sorted(LEVELS):
        for seed in range(args.seed, args.seed + args.count):
            row = problem(level, seed)
            print(json.dumps({"question": row.question, "answer": row.answer, "level": level}))


if __name__ == "__main__":
    main()

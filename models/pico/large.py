"""Problems with numbers too large for the head: level 6 (one operation), level 7 (two or three).

Owns their questions, answers and operations. `exam` gives the problem of any level, 1 to 7.

    python models/pico/large.py --level 6 --count 100
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from random import Random
from typing import Literal

import problems
from problems import NAMES, Problem

Kind = Literal["product", "sum", "difference", "power", "remainder"]
LEVELS = (6, 7)


@dataclass(frozen=True)
class Operation:
    """One computation. A text among the terms is the name of an earlier operation's result."""

    kind: Kind
    name: str
    terms: tuple[int | str, ...]


@dataclass(frozen=True)
class Large:
    question: str
    answer: str
    level: int
    operations: tuple[Operation, ...]


def values(operations: tuple[Operation, ...]) -> dict[str, int]:
    """The result of every operation, by name."""
    known: dict[str, int] = {}
    for one in operations:
        terms = [known[term] if isinstance(term, str) else term for term in one.terms]
        match one.kind:
            case "product":
                known[one.name] = prod(terms)
            case "sum":
                known[one.name] = sum(terms)
            case "difference":
                known[one.name] = terms[0] - terms[1]
            case "power":
                known[one.name] = terms[0] ** terms[1]
            case "remainder":
                known[one.name] = terms[0] % terms[1]
    return known


def sized(rng: Random, low: int, high: int) -> int:
    """A number of `low` to `high` figures."""
    figures = rng.randint(low, high)
    return rng.randint(10 ** (figures - 1) + 1, 10**figures - 1)


def product(rng: Random) -> tuple[str, tuple[Operation, ...]]:
    a, b = sized(rng, 3, 6), sized(rng, 3, 4)
    if rng.random() < 0.3:
        a, b = b, a
    question = rng.choice(
        (
            "Multiply {a} by {b}. What is the product?",
            "What is {a} times {b}?",
            "Work out {a} * {b}.",
            "A warehouse has {a} shelves with {b} boxes each. How many boxes is that?",
            "A ship carries {a} crates, and each crate weighs {b} grams. What do they weigh?",
            "{who} drives {a} metres a day for {b} days. How many metres is that?",
        )
    )
    return question.format(a=a, b=b, who=rng.choice(NAMES)), (
        Operation("product", "product", (a, b)),
    )


def long_sum(rng: Random) -> tuple[str, tuple[Operation, ...]]:
    terms = tuple(sized(rng, 3, 6) for _ in range(rng.randint(5, 9)))
    question = rng.choice(
        (
            "Add up these numbers: {all}.",
            "What is the sum of {all}?",
            "{who} counts the visitors of a fair day by day: {all}. How many came in all?",
            "The bills of a firm are {all}. What do they come to?",
        )
    )
    listed = ", ".join(map(str, terms[:-1])) + rng.choice((", ", " and ")) + str(terms[-1])
    return question.format(all=listed, who=rng.choice(NAMES)), (Operation("sum", "total", terms),)


def power(rng: Random) -> tuple[str, tuple[Operation, ...]]:
    base, exponent = rng.choice(((sized(rng, 2, 2), rng.randint(3, 6)), (sized(rng, 3, 4), 3)))
    question = rng.choice(
        (
            "What is {a} to the power of {b}?",
            "Raise {a} to the power {b}.",
            "Work out {a}**{b}.",
        )
    )
    return question.format(a=base, b=exponent), (Operation("power", "power", (base, exponent)),)


def remainder(rng: Random) -> tuple[str, tuple[Operation, ...]]:
    a, b = sized(rng, 5, 9), sized(rng, 2, 3)
    question = rng.choice(
        (
            "What remains when {a} is divided by {b}?",
            "Give the remainder of {a} divided by {b}.",
            "{who} packs {a} beads into bags of {b}. How many beads are left over?",
        )
    )
    return question.format(a=a, b=b, who=rng.choice(NAMES)), (
        Operation("remainder", "rest", (a, b)),
    )


def chain(rng: Random) -> tuple[str, tuple[Operation, ...]]:
    """A product, something added or taken away, and perhaps the remainder of it all."""
    a, b, c = sized(rng, 3, 5), sized(rng, 3, 4), sized(rng, 4, 5)
    steps = [Operation("product", "product", (a, b))]
    text = rng.choice((f"Multiply {a} by {b}", f"Take {a} times {b}"))
    if rng.random() < 0.5 or c >= a * b:
        steps.append(Operation("sum", "total", ("product", c)))
        text += rng.choice((f", then add {c}", f" and add {c} to the result"))
    else:
        steps.append(Operation("difference", "total", ("product", c)))
        text += rng.choice((f", then subtract {c}", f" and take away {c} from the result"))
    if rng.random() < 0.5:
        by = sized(rng, 2, 3)
        steps.append(Operation("remainder", "rest", ("total", by)))
        return f"{text}. What remains when that is divided by {by}?", tuple(steps)
    return f"{text}. What is the result?", tuple(steps)


def shopping(rng: Random) -> tuple[str, tuple[Operation, ...]]:
    """Two products and their sum or difference."""
    a, b, c, d = (sized(rng, 3, 4) for _ in range(4))
    first, second = Operation("product", "first", (a, b)), Operation("product", "second", (c, d))
    if a * b > c * d and rng.random() < 0.4:
        last = Operation("difference", "difference", ("first", "second"))
        question = rng.choice(
            (
                "One hall has {a} rows of {b} seats, another {c} rows of {d}. How many more seats "
                "has the first?",
                "How much greater is {a} times {b} than {c} times {d}?",
            )
        )
    else:
        last = Operation("sum", "total", ("first", "second"))
        question = rng.choice(
            (
                "A shop sells {a} lamps at {b} coins each and {c} chairs at {d} coins each. How "
                "many coins does it take?",
                "What is {a} times {b} plus {c} times {d}?",
                "{who} plants {a} rows of {b} trees and {c} rows of {d} trees. How many trees is "
                "that?",
            )
        )
    return question.format(a=a, b=b, c=c, d=d, who=rng.choice(NAMES)), (first, second, last)


def remaining_power(rng: Random) -> tuple[str, tuple[Operation, ...]]:
    base, exponent, by = sized(rng, 2, 3), rng.randint(4, 7), sized(rng, 2, 3)
    question = rng.choice(
        (
            "What remains when {a} to the power of {b} is divided by {c}?",
            "Give the remainder of {a}**{b} divided by {c}.",
        )
    )
    return question.format(a=base, b=exponent, c=by), (
        Operation("power", "power", (base, exponent)),
        Operation("remainder", "rest", ("power", by)),
    )


def remaining_sum(rng: Random) -> tuple[str, tuple[Operation, ...]]:
    question, (total,) = long_sum(rng)
    by = sized(rng, 2, 3)
    opening = question.rpartition(". ")[0] or question.rstrip(".?")
    if question.startswith("What is the sum of "):
        opening = "Take the sum of" + question.removeprefix("What is the sum of").rstrip("?")
    asked = f"{opening}. What remains when the total is divided by {by}?"
    return asked, (total, Operation("remainder", "rest", ("total", by)))


Maker = Callable[[Random], tuple[str, tuple[Operation, ...]]]
MAKERS: dict[int, tuple[Maker, ...]] = {
    6: (product, product, long_sum, power, remainder),
    7: (chain, shopping, remaining_power, remaining_sum),
}


def compose(rng: Random, level: int) -> Large:
    question, operations = rng.choice(MAKERS[level])(rng)
    answer = str(values(operations)[operations[-1].name])
    return Large(question, answer, level, operations)


def problem(level: int, seed: int) -> Large:
    """The problem of this level (6 or 7) and seed; always the same one."""
    if level not in LEVELS:
        raise ValueError(f"level must be one of {sorted(LEVELS)}, got {level}")
    return compose(Random(f"pico problem {level} {seed}"), level)


def exam(level: int, seed: int) -> Problem | Large:
    """The problem of any level, 1 to 7: a `question` and an `answer`."""
    return problem(level, seed) if level in LEVELS else problems.problem(level, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print problems of large numbers as JSON lines.")
    parser.add_argument("--level", type=int, choices=LEVELS, help="default: both")
    parser.add_argument("--count", type=int, default=10, help="problems a level")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    args = parser.parse_args()
    for level in [args.level] if args.level else LEVELS:
        for seed in range(args.seed, args.seed + args.count):
            row = problem(level, seed)
            print(json.dumps({"question": row.question, "answer": row.answer, "level": level}))


if __name__ == "__main__":
    main()

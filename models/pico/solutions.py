"""Thinks problems through: the written thought and reply for word problems and small puzzles.

Owns pico's own solvers. The puzzles are drawn from reasoning-gym; their answers are recomputed
here, and a puzzle whose published answer disagrees is not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from arithmetic import add, signed, times_digit, work
from problems import Problem, apply

NAMED = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


@dataclass(frozen=True)
class Solution:
    """A question with the thought that solves it and the reply that follows."""

    question: str
    thought: str
    reply: str
    answer: str


def word_problem(problem: Problem, rng: Random) -> Solution:
    """One line an event: what happens, which operation, the working, the running value."""
    value = problem.start
    lines = [f"At the start there are {value} {problem.unit}."]
    for step in problem.steps:
        new = apply(value, step)
        working = work(value, step.op, step.operand)
        lines.append(f"{problem.who} {step.phrase}: {NAMED[step.op]}. {working}.")
        value = new
    answer = str(value)
    lines.append(f"Nothing else changes the {problem.unit}, so it is {answer}.")
    reply = rng.choice(
        (
            f"There are {answer} {problem.unit}. \\boxed{{{answer}}}",
            f"That makes {answer} {problem.unit}.\n\n\\boxed{{{answer}}}",
            f"The answer is \\boxed{{{answer}}} {problem.unit}.",
        )
    )
    return Solution(problem.question, "\n".join(lines), reply, answer)


def boxed(rng: Random, answer: str) -> str:
    return rng.choice((f"The answer is \\boxed{{{answer}}}.", f"\\boxed{{{answer}}}"))


@cache
def gym(name: str) -> Any:
    import reasoning_gym

    options: dict[str, Any] = {}
    if name == "basic_arithmetic":
        options = {
            "operators": ["+", "-"],
            "allow_parentheses": False,
            "allow_negation": False,
            "max_digits": 3,
        }
    return reasoning_gym.create_dataset(name, size=10**9, seed=7_000_000, **options)


def chain(terms: str) -> tuple[str, int]:
    """A sum of signed terms, one line a term."""
    first, *rest = re.findall(r"[+-]|\d+", terms)
    value = int(first)
    lines = [f"Go from left to right, starting at {value}."]
    for op, operand in zip(rest[::2], rest[1::2], strict=True):
        lines.append(f"{signed(value, op, int(operand))}.")
        value = value + int(operand) if op == "+" else value - int(operand)
    lines.append(f"No terms are left, so it is {value}.")
    return "\n".join(lines), value


def legs(question: str) -> tuple[str, int]:
    from reasoning_gym.arithmetic.leg_counting import ANIMALS

    lines, total = ["Count legs animal by animal."], 0
    listed = re.findall(r"(\d+) ([a-z ]+?)(?=[,?])", question.split("if you have")[1])
    for count, name in listed:
        each = ANIMALS[name if name in ANIMALS else name.removesuffix("s")]
        head = f"{count} {name}: {each} legs each"
        if each == 0 or count == "1":
            got, head = int(count) * each, head + f", {int(count) * each}"
        elif each < 10:
            got, head = int(count) * each, f"{head}. {times_digit(int(count), each)}"
        else:
            got, head = int(count) * each, f"{head}. {work(int(count), '*', each)}"
        lines.append(head + "." + (f" {add(total, got)}." if total and got else ""))
        total += got
    lines.append(f"All counted: {total}.")
    return "\n".join(lines), total


def puzzle(rng: Random) -> Solution:
    """A reasoning-gym puzzle with a thought of our own."""
    name = rng.choice(("chain_sum", "basic_arithmetic", "leg_counting"))
    entry = gym(name)[rng.randrange(10**9)]
    question, answer = entry["question"].strip(), str(entry["answer"])
    if name == "leg_counting":
        thought, value = legs(question)
    else:
        expression = re.search(r"\d[\d +-]*", question)
        thought, value = chain(expression.group(0) if expression else "0")
    if str(value) != answer:
        return puzzle(rng)
    return Solution(question, thought, boxed(rng, answer), answer)


COMPARISONS = (
    ("Which is larger, {a} or {b}?", max),
    ("Which number is smaller: {a} or {b}?", min),
    ("Compare {a} and {b} and name the greater one.", max),
)


def comparison(rng: Random) -> Solution:
    """Two numbers of about the same length, compared by length and then figure by figure."""
    digits = rng.randint(1, 5)
    a = rng.randint(1, 10**digits)
    b = rng.choice((rng.randint(1, 10**digits), max(1, a + rng.randint(-20, 20))))
    if a == b:
        b += 1
    template, pick = rng.choice(COMPARISONS)
    answer = str(pick(a, b))
    left, right = str(a), str(b)
    if len(left) != len(right):
        lines = [f"{a} has {len(left)} figures and {b} has {len(right)}."]
    else:
        lines = [f"Both have {len(left)} figures."]
        for x, y in zip(left, right, strict=True):
            lines.append(f"{x} and {y}: {'the same' if x == y else 'different'}.")
            if x != y:
                break
    lines.append(f"{max(a, b)} is larger and {min(a, b)} is smaller. Asked for: {answer}.")
    return Solution(template.format(a=a, b=b), "\n".join(lines), boxed(rng, answer), answer)

"""Reasoning for an answer that is given along, and reading a reasoning without its last line.

Owns both for word problems, open and with options. A given answer that is wrong does not move
pico: it writes what it has worked out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from problems import Problem, apply
from solutions import word_problem

LETTERS = "ABCDE"


@dataclass(frozen=True)
class Annotation:
    """`given` is the answer told to pico, `lines` its reasoning, `answer` what it ends with."""

    question: str
    choices: tuple[str, ...]
    given: str
    lines: tuple[str, ...]
    answer: str

    @property
    def reply(self) -> str:
        return "\n".join([*self.lines, f"Answer: {self.answer}"])

    @property
    def options(self) -> str:
        """The choices as lines "A. 12"."""
        return "\n".join(f"{LETTERS[n]}. {choice}" for n, choice in enumerate(self.choices))


def reasoned(problem: Problem, rng: Random) -> list[str]:
    """The worked lines; now and then without the one that closes them."""
    lines = word_problem(problem, rng).thought.split("\n")
    return lines[:-1] if rng.random() < 0.15 else lines


def near(rng: Random, value: int) -> int:
    """Another number, of the sort a slip would give."""
    shift = rng.choice((1, 2, 10, 20, 100)) if value > 150 else rng.choice((1, 2, 3, 10))
    if rng.random() < 0.3:
        shift = rng.randint(1, max(3, value // 3))
    return value + shift if rng.random() < 0.5 or shift >= value else value - shift


def question(rng: Random, problem: Problem, wrong: float = 0.1) -> Annotation:
    """An open question; in this share of cases the given answer is not the right one."""
    right = problem.answer
    given = str(near(rng, int(right))) if rng.random() < wrong else right
    return Annotation(problem.question, (), given, tuple(reasoned(problem, rng)), right)


def partial_results(problem: Problem) -> list[int]:
    found, value = [problem.start], problem.start
    for step in problem.steps:
        value = apply(value, step)
        found.append(value)
    return found[:-1]


def option_line(letter: str, option: int, right: int, early: list[int]) -> str:
    """Why an option stands or falls."""
    if option == right:
        return f"{letter}. {option} is just what the working gives, so it is {letter}."
    if option in early:
        return f"{letter}. {option} comes up on the way, but more happens after it."
    return f"{letter}. {option} is too {'small' if option < right else 'large'}."


def choice(rng: Random, problem: Problem, wrong: float = 0.1) -> Annotation:
    """Three to five options, one of them right."""
    right, early = int(problem.answer), partial_results(problem)
    options = {right}
    wanted = rng.randint(3, 5)
    while len(options) < wanted:
        options.add(rng.choice(early) if rng.random() < 0.3 else near(rng, right))
    order = rng.sample(sorted(options), len(options))
    place = order.index(right)
    given = rng.choice([n for n in range(wanted) if n != place]) if rng.random() < wrong else place
    lines = reasoned(problem, rng)
    lines += [option_line(LETTERS[n], option, right, early) for n, option in enumerate(order)]
    return Annotation(
        problem.question, tuple(map(str, order)), LETTERS[given], tuple(lines), LETTERS[place]
    )


def altered(rng: Random, problem: Problem) -> Problem:
    """The same story with one number changed: what a reasoning that misread it is about."""
    place = rng.randrange(len(problem.steps))
    steps, value = [], problem.start
    for n, step in enumerate(problem.steps):
        now = step
        if n == place and step.op in "+-*":
            operand = max(2, step.operand + rng.choice((-2, -1, 1, 2, 10)))
            phrase = step.phrase.replace(str(step.operand), str(operand))
            now = replace(step, operand=operand, phrase=phrase)
        if (now.op == "-" and now.operand > value) or (now.op == "/" and value % now.operand):
            return problem
        steps.append(now)
        value = apply(value, now)
    return replace(problem, steps=tuple(steps), answer=str(value))


def torn(rng: Random, problem: Problem, options: float = 0.4) -> tuple[str, str, str]:
    """The question, a reasoning without its last line, and where the reasoning arrives.

    In a quarter of the cases the reasoning misreads the question, and that is where it arrives.
    """
    other = altered(rng, problem) if rng.random() < 0.3 else problem
    if rng.random() < options:
        made = choice(rng, other, 0.0)
        asked = f"{problem.question}\n\n{made.options}" if rng.random() < 0.8 else problem.question
    else:
        made, asked = question(rng, other, 0.0), problem.question
    return asked, "\n".join(made.lines), made.answer

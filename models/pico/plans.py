"""How a problem is solved, step by step, each step both as written working and as Python.

Owns the pairing of the two, which lets a thought go from one to the other at any step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

import arithmetic
from large import Large, Operation, values
from problems import Problem, apply
from solutions import NAMED

OPERATORS = {"product": "*", "sum": "+", "difference": "-", "power": "**", "remainder": "%"}
SAY = {
    "product": "The product {code} is needed.",
    "sum": "The sum {code} is needed.",
    "difference": "The difference {code} is needed.",
    "power": "The power {code} is needed.",
    "remainder": "The remainder {code} is needed.",
}


@dataclass(frozen=True)
class Stage:
    """One step. `say` announces it; `working` does it by hand, `line` does it in Python."""

    say: str
    comment: str
    working: str
    line: str
    name: str
    value: int
    check: str

    def alone(self, before: int | None) -> str:
        """The line with the running value `before` as a number instead of its name."""
        if before is None:
            return self.line
        left, right = self.line.split(" = ", 1)
        return f"{left} = {re.sub(rf'^{self.name}(?= )', str(before), right)}"


@dataclass(frozen=True)
class Plan:
    question: str
    answer: str
    opening: str
    start: str
    """Python that sets the running value, empty where there is none."""
    first: int | None
    stages: tuple[Stage, ...]
    closing: str
    replies: tuple[str, ...]

    def by_hand(self) -> str:
        """The whole thought without any code."""
        lines = [self.opening] if self.opening else []
        lines += [f"{stage.say} {stage.working}" for stage in self.stages]
        return "\n".join([*lines, self.closing])

    def before(self, n: int) -> int | None:
        """The running value before stage n; None where stages stand on their own."""
        if self.first is None:
            return None
        return self.stages[n - 1].value if n else self.first


def replies(answer: str, unit: str) -> tuple[str, ...]:
    if not unit:
        return (f"The answer is \\boxed{{{answer}}}.", f"\\boxed{{{answer}}}")
    return (
        f"There are {answer} {unit}. \\boxed{{{answer}}}",
        f"That makes {answer} {unit}.\n\n\\boxed{{{answer}}}",
        f"The answer is \\boxed{{{answer}}} {unit}.",
    )


def word_plan(problem: Problem, rng: Random) -> Plan:
    """A story: its unit is the name that is changed event by event."""
    name = problem.unit if rng.random() < 0.8 else "count"
    value, nested = problem.start, str(problem.start)
    stages = []
    for step in problem.steps:
        sign = step.op.replace("/", "//")
        new = apply(value, step)
        nested = (
            f"({nested}) {sign} {step.operand}" if stages else f"{nested} {sign} {step.operand}"
        )
        stages.append(
            Stage(
                say=f"{problem.who} {step.phrase}: {NAMED[step.op]}.",
                comment=step.phrase,
                working=f"{arithmetic.work(value, step.op, step.operand)}.",
                line=f"{name} = {name} {sign} {step.operand}",
                name=name,
                value=new,
                check=f"{nested} == {name}",
            )
        )
        value = new
    return Plan(
        question=problem.question,
        answer=problem.answer,
        opening=f"At the start there are {problem.start} {problem.unit}.",
        start=f"{name} = {problem.start}",
        first=problem.start,
        stages=tuple(stages),
        closing=f"Nothing else changes the {problem.unit}, so it is {problem.answer}.",
        replies=replies(problem.answer, problem.unit),
    )


def written(kind: str, terms: list[int]) -> str:
    match kind:
        case "product":
            return arithmetic.multiply(terms[0], terms[1])
        case "sum":
            return arithmetic.sum_up(terms)
        case "difference":
            return arithmetic.subtract(terms[0], terms[1])
        case "power":
            return arithmetic.power(terms[0], terms[1])
        case _:
            return arithmetic.remainder(terms[0], terms[1])


def checked(one: Operation) -> str:
    """The same thing computed in another way, as a comparison that must hold."""
    first, *_, last = one.terms
    match one.kind:
        case "product":
            return f"{last} * {first} == {one.name}"
        case "sum":
            return " + ".join(map(str, reversed(one.terms))) + f" == {one.name}"
        case "difference":
            return f"{one.name} + {last} == {first}"
        case "power":
            return " * ".join([str(first)] * int(last)) + f" == {one.name}"
        case _:
            return f"({first} - {one.name}) % {last} == 0"


def large_plan(problem: Large, rng: Random) -> Plan:
    """Every operation a step with a name of its own."""
    known = values(problem.operations)
    listed = rng.random() < 0.3
    stages = []
    for one in problem.operations:
        code = f" {OPERATORS[one.kind]} ".join(map(str, one.terms))
        terms = [known[term] if isinstance(term, str) else term for term in one.terms]
        said = f" {OPERATORS[one.kind]} ".join(map(str, terms))
        if listed and one.kind == "sum" and len(terms) > 3:
            code = f"sum([{', '.join(map(str, terms))}])"
        stages.append(
            Stage(
                say=SAY[one.kind].format(code=said),
                comment=f"the {one.kind}",
                working=f"{written(one.kind, terms)}.",
                line=f"{one.name} = {code}",
                name=one.name,
                value=known[one.name],
                check=checked(one),
            )
        )
    return Plan(
        question=problem.question,
        answer=problem.answer,
        opening="",
        start="",
        first=None,
        stages=tuple(stages),
        closing=rng.choice(("That is what was asked: {}.", "So it is {}.")).format(problem.answer),
        replies=replies(problem.answer, ""),
    )

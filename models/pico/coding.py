"""Thoughts that compute with Python, in the protocol of the recipe `code_integrated`.

Owns what pico does after each kind of hint, and what it does wrong without one: working out by
hand what Python could do, and doubting what Python printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from notebook import Notebook
from pieces import Pieces
from plans import Plan

Mode = Literal["started", "free", "hand", "delayed", "unfinished"]
MODES: dict[Mode, float] = {"started": 0.30, "free": 0.22, "hand": 0.20, "delayed": 0.28}
LONGEST_BY_HAND = 900  # characters; about as many tokens, since each figure is one
# Of the outputs where no hint bars it. Sampling prefers the commoner way on: at T 0.6, a share of
# 0.36 spread over six wordings was drawn once in a hundred.
DOUBT = 0.5
UNFINISHED = 500  # characters kept of a longer one
INTRODUCTIONS = (
    "I write it down as code, one line a step.",
    "A few lines of Python keep the count.",
    "All of it fits into one block.",
)
DISTRUST = {
    "Let me check that by hand:": 4,
    "I am not sure about that figure, so I go over it again.": 4,
    "Can that be? I check that by hand.": 1,
    "That does not look right, so I do it again column by column.": 3,
    "I would rather not rely on that; once more by hand.": 1,
    "Hmm, I am not sure about that. Let me go over it again by hand.": 1,
}
AGREES = (
    "By hand it is {value} as well.",
    "So it is {value}, as Python said.",
    "That gives {value} again.",
)
OWN = (
    "By hand it is {value}, so I go with {value}.",
    "That gives {value}, and I trust my own working more.",
)
CHECKS = (
    "Let me see whether another way gives the same.",
    "A test of the result:",
    "I compute it in another way to be safe.",
)
HOLDS = ("Both ways agree.", "The test holds.")
WRONG = {
    "name": "That name is not defined; I wrote it wrongly.",
    "bracket": "A bracket was left open. Again:",
    "function": "There is no such function. Again:",
    "zero": "I must not divide by zero. Again:",
}


@dataclass
class Coder:
    """A thought being written, with the interpreter that answers it."""

    rng: Random
    plan: Plan
    hints: dict[str, str]
    pieces: Pieces = field(default_factory=Pieces)
    notebook: Notebook = field(default_factory=Notebook)
    bare: bool = True
    final: int | str = ""

    def block(self, code: str, *, opened: bool = False) -> str:
        """A block and its output; `opened` when a hint has written the opening fence."""
        self.pieces.say(f"{'' if opened else '```python' + chr(10)}{code}\n```\n")
        printed = self.notebook.run(code)
        shown = printed.rstrip("\n") if self.bare else printed
        self.pieces.insert(f"```output\n{shown}\n```\n")
        return printed

    def echo(self, name: str) -> str:
        return f"print({name})" if self.rng.random() < 0.15 else name

    def code(self, first: int, last: int, *, named: bool, said: bool) -> str:
        """Stages first to last as one block; `named` when the running value is a Python name."""
        lines = []
        plan = self.plan
        if plan.start and not named and first == 0 and last > 0:
            lines.append(plan.start)
            named = True
        for n in range(first, last + 1):
            stage = plan.stages[n]
            if not (said and n == first):
                lines.append(f"# {stage.comment}")
            lines.append(stage.line if named or n > first else stage.alone(plan.before(n)))
        return "\n".join([*lines, self.echo(plan.stages[last].name)])

    def mistaken(self, code: str, *, opened: bool) -> None:
        """A block that fails and what pico says to its traceback; nothing is defined by it."""
        *body, echo = code.split("\n")
        name = self.plan.stages[0].name
        kind = self.rng.choice(("name", "bracket", "function", "zero"))
        if kind == "bracket":
            left, right = body[0].split(" = ", 1) if " = " in body[0] else ("n", "1")
            wrong = "\n".join([f"{left} = ({right}", *body[1:], echo])
        elif kind == "function":
            wrong = "\n".join([*body, f"show({name})"])
        elif kind == "zero":
            wrong = "\n".join([*body, f"{name} // 0"])
        else:
            wrong = "\n".join([*body, name[:-1]])
        self.block(wrong, opened=opened)
        self.pieces.say(f"{WRONG[kind]}\n")

    def by_hand(self, first: int, last: int) -> str:
        """The working of these stages as lines, the opening before it where it starts there."""
        stages = self.plan.stages[first : last + 1]
        if len(stages) == 1:
            return f"{stages[0].working}\n"
        lines = [self.plan.opening] if self.plan.opening and not first else []
        return "".join(f"{line}\n" for line in [*lines, *(f"{s.say} {s.working}" for s in stages)])

    def doubt(self, first: int, last: int) -> None:
        """Redoes stages first to last; at the end of the plan sometimes with a slip."""
        rng, pieces, stage = self.rng, self.pieces, self.plan.stages[last]
        working = self.by_hand(first, last)
        if len(working) > LONGEST_BY_HAND:
            return
        wording = rng.choices(list(DISTRUST), list(DISTRUST.values()))[0]
        pieces.say(f"{wording}\n")
        if rng.random() < 0.12:
            pieces.insert(f"{self.hints['delayed']}\n")
            self.block(stage.check, opened=True)
            pieces.say(f"{rng.choice(HOLDS)}\n")
            return
        value = str(stage.value)
        if last == len(self.plan.stages) - 1 and rng.random() < 0.25:
            place = 10 ** rng.randrange(len(value))
            value = str(abs(stage.value + rng.choice((-1, 1)) * rng.randint(1, 4) * place))
            pieces.say(slipped(working, str(stage.value), value), loss=False)
            pieces.say(f"{rng.choice(OWN).format(value=value)}\n")
            self.final = value
            return
        pieces.say(working)
        pieces.say(f"{rng.choice(AGREES).format(value=value)}\n")

    def after(self, first: int, last: int, doubt: float) -> None:
        """What follows the output of a block: a hint, a doubt or nothing."""
        if self.rng.random() < 0.25:
            self.pieces.insert(f"{self.hints['distrust']}\n")
        elif self.rng.random() < doubt:
            self.doubt(first, last)

    def verify(self) -> None:
        stage = self.plan.stages[-1]
        self.pieces.say(f"{self.rng.choice(CHECKS)}\n")
        if self.rng.random() < 0.25:
            self.block(f"assert {stage.check}\nprint('ok')")
        else:
            self.block(stage.check)
        self.pieces.say(f"{self.rng.choice(HOLDS)}\n")

    def end(self) -> tuple[Pieces, str]:
        """The thought, closed, and the number it ends with."""
        answer = str(self.final or self.plan.answer)
        self.pieces.say(self.plan.closing.replace(self.plan.answer, answer) + "\n</think>\n\n")
        said = self.rng.choice(self.plan.replies).replace(self.plan.answer, answer)
        self.pieces.say(f"{said}<|end|>")
        return self.pieces, answer

    def compute(self, first: int, doubt: float, *, opened: bool, said: bool) -> None:
        """Stages from `first` on in code: all in one block, or a block for each."""
        rng, stages = self.rng, self.plan.stages
        whole = len(stages) - first > 1 and rng.random() < 0.5
        if whole and not opened and not said:
            self.pieces.say(f"{rng.choice(INTRODUCTIONS)}\n")
        elif not opened and not said and first == 0 and self.plan.opening:
            self.pieces.say(f"{self.plan.opening}\n")
        end = len(stages) - 1
        groups = [(first, end)] if whole else [(n, n) for n in range(first, end + 1)]
        for n, (low, high) in enumerate(groups):
            told = said and n == 0
            silent = not self.plan.opening and rng.random() < 0.4
            if not whole and not (opened and n == 0) and not told and not silent:
                self.pieces.say(f"{stages[low].say}\n")
                told = True
            code = self.code(low, high, named=n > 0 and rng.random() < 0.8, said=told)
            fence = opened and n == 0
            if n == 0 and rng.random() < 0.06:
                self.mistaken(code, opened=fence)
                fence = False
            self.block(code, opened=fence)
            self.after(low, high, doubt if high == end or rng.random() < 0.5 else 0.0)


def slipped(working: str, right: str, wrong: str) -> str:
    """The working with its last result replaced."""
    head, _, tail = working.rpartition(right)
    return f"{head}{wrong}{tail}"


def coded(rng: Random, plan: Plan, hints: dict[str, str]) -> tuple[Pieces, str, Mode]:
    """Pico's turn with the prompt of code_integrated, the number it ends with, and the mode.

    A working by hand that is too long for a page stops in the middle, without a number.
    `hints` are the texts of the recipe's hints under "start", "delayed" and "distrust".
    """
    mode: Mode = rng.choices(list(MODES), list(MODES.values()))[0]
    coder = Coder(rng, plan, hints, bare=rng.random() < 0.85)
    pieces = coder.pieces
    if mode == "hand":
        if len(plan.by_hand()) > LONGEST_BY_HAND:
            pieces.say(plan.by_hand()[:UNFINISHED].rpartition(" ")[0])
            return pieces, "", "unfinished"
        pieces.say(f"{plan.by_hand()}\n</think>\n\n{rng.choice(plan.replies)}<|end|>")
        return pieces, plan.answer, mode
    if mode == "started":
        pieces.insert(f"{hints['start']}\n")
        coder.compute(0, 0.04, opened=False, said=False)
    elif mode == "free":
        coder.compute(0, DOUBT, opened=False, said=False)
    else:
        begin_by_hand(coder)
    if rng.random() < 0.15 and not coder.final:
        coder.verify()
    return *coder.end(), mode


def begin_by_hand(coder: Coder) -> None:
    """Some stages by hand, then the hint that turns to Python, and the rest in code."""
    rng, plan, pieces = coder.rng, coder.plan, coder.pieces
    first = rng.choices(range(len(plan.stages)), [3, *[1] * (len(plan.stages) - 1)])[0]
    while first and len(coder.by_hand(0, first - 1)) > LONGEST_BY_HAND:
        first -= 1
    if rng.random() < 0.12:
        pieces.insert(f"{coder.hints['start']}\n")
    said = rng.random() < 0.45
    if plan.opening and (first or said or rng.random() < 0.8):
        pieces.say(f"{plan.opening}\n")
    for stage in plan.stages[:first]:
        pieces.say(f"{stage.say} {stage.working}\n")
    # What is computed in Python must be known there: names of earlier steps are given first.
    done = () if plan.start else plan.stages[:first]
    given = "".join(f"{stage.name} = {stage.value}\n" for stage in done)
    if said:
        joint = rng.choice(("\n", " ", ""))
        pieces.say(plan.stages[first].say + (" " if not joint else ""))
        pieces.insert(f"{joint}{coder.hints['delayed']}\n")
    else:
        pieces.insert(f"{coder.hints['delayed']}\n")
    pieces.forget()
    if given:
        coder.notebook.run(given)
        pieces.say(given)
    coder.compute(first, DOUBT, opened=True, said=said)

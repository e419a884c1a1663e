"""Tables of pico explaining given answers: whether it arrives there, and a blind reader with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from annotating import Annotation, choice, question
from engine import Engine, average
from problems import LEVELS, problem
from turns import Conversation, render

LEAK = re.compile(r"given answer|known|expected|the right (answer|option)|told", re.IGNORECASE)


def final(reply: str) -> str:
    """What the last line names as the answer; empty where it names none."""
    last = reply.strip().split("\n")[-1]
    return last.removeprefix("Answer:").strip() if last.startswith("Answer:") else ""


def asked(made: Annotation) -> Conversation:
    if made.choices:
        prompt = render(
            "annotate_choice", problem=made.question, choices=made.options, answer=made.given
        )
    else:
        prompt = render("annotate_question", problem=made.question, answer=made.given)
    return Conversation("annotate", prompt, "", thinking=False)


def blind(made: Annotation, reply: str) -> Conversation:
    """The blind pass: the problem, its options if any, and the reasoning without its last line."""
    problem = f"{made.question}\n\n{made.options}" if made.choices else made.question
    reasoning = reply.strip().rpartition("\n")[0]
    prompt = render("annotate_blind", problem=problem, reasoning=reasoning)
    return Conversation("blind", prompt, "", thinking=False)


def annotate(engine: Engine, name: str, made: Sequence[Annotation], max_tokens: int) -> None:
    replies = [draw.reply for draw in engine.sample([asked(one) for one in made], max_tokens)]
    second = engine.sample(
        [blind(one, reply) for one, reply in zip(made, replies, strict=True)], 24
    )
    ends = [final(reply) for reply in replies]
    reads = [final(draw.reply) for draw in second]
    shares = [
        average([end == one.given for end, one in zip(ends, made, strict=True)]),
        average([end == one.answer for end, one in zip(ends, made, strict=True)]),
        average([bool(read) for read in reads]),
        average([read == end for read, end in zip(reads, ends, strict=True)]),
        average([read == one.given for read, one in zip(reads, made, strict=True)]),
        average([bool(LEAK.search(reply)) for reply in replies]),
    ]
    cells = " | ".join(f"{share:.2f}" for share in shares)
    print(f"| {name} | {len(made)} | {cells} |")


def annotating(engine: Engine, count: int, seed: int, max_tokens: int) -> None:
    """Open questions by level, options by level, and both with a wrong answer given along."""
    heads = "job | drawn | ends with the given | ends with the right | blind has a line"
    print(f"\n| {heads} | blind = its end | blind = the given | leaks |\n|{' --- |' * 8}")
    for kind, maker in (("question", question), ("options", choice)):
        for level in LEVELS:
            rng = Random(f"pico annotation {seed} {level}")
            made = [maker(rng, problem(level, seed + n), 0.0) for n in range(count)]
            annotate(engine, f"{kind}, level {level}", made, max_tokens)
        rng = Random(f"pico annotation {seed} wrong")
        made = [maker(rng, problem(1 + n % 5, seed + n), 1.0) for n in range(count)]
        annotate(engine, f"{kind}, a wrong answer given", made, max_tokens)

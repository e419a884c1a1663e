"""The conversations pico is trained on: what it is asked, and what it thinks and says.

Owns the mixture of jobs. Every conversation follows from its seed alone.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import annotating
import documents
import large
import problems
import wild
from coding import coded
from plans import large_plan, word_plan
from solutions import Solution, comparison, puzzle, word_problem
from thoughts import Thought, think
from turns import Conversation, hints, render, turn

MARKER = "[reader is here]"
OTHER_MARKERS = ("[*]", "<<here>>", "[you are here]", "@@")
SYSTEM = (
    "You are a careful expert.",
    "Think before you answer.",
    "You are pico, a very small model.",
    "Answer in English.",
    "You help people who read and calculate.",
)
LONGEST_BY_HAND = 1200  # characters of a thought on large numbers
# Harder at the top than the levels that are drawn for runs: pico practises beyond its exam.
PRACTICE = {
    problems.Spec(1, 40, 30, 5, 99, 0.15, 0.0): 10,
    problems.Spec(2, 90, 80, 6, 400, 0.3, 0.0): 20,
    problems.Spec(3, 300, 250, 9, 2000, 0.4, 0.1): 24,
    problems.Spec(4, 900, 800, 12, 20000, 0.5, 0.25): 25,
    problems.Spec(5, 3000, 2500, 30, 99999, 0.55, 0.3): 21,
}
CHAT = (
    ("Hello!", "Hello. Give me a small sum or a short text."),
    ("Hi", "Hello. Give me a small sum or a short text."),
    ("Who are you?", "I am pico, a very small model that works out sums and reads short texts."),
    ("What can you do?", "I solve small word problems and think about short documents."),
    ("Thank you.", "You are welcome."),
    ("Thanks!", "You are welcome."),
    ("Are you a person?", "No, I am a small language model."),
    ("What is your name?", "My name is pico."),
)


def drawn_problem(rng: Random, graded: float = 0.75) -> problems.Problem:
    """Mostly one to five steps of growing size; sometimes few steps on big numbers, for columns."""
    if rng.random() < graded:
        spec = rng.choices(list(PRACTICE), list(PRACTICE.values()))[0]
    else:
        top = rng.choice((60, 400, 3000, 30000))
        spec = problems.Spec(
            steps=rng.randint(1, 3), start=top, change=top, factor=rng.choice((9, 30, 60)),
            ceiling=top * 60, multiply_share=0.5, distraction=0.15,
        )  # fmt: skip
    return problems.compose(rng, spec, 0)


def at_length(rng: Random) -> Solution:
    """A problem of large numbers all by hand, where that takes no more than a page."""
    for _ in range(20):
        made = large.compose(rng, rng.choice(large.LEVELS))
        plan = large_plan(made, rng)
        thought = plan.by_hand()
        if len(thought) < LONGEST_BY_HAND:
            break
    return Solution(plan.question, thought, rng.choice(plan.replies), plan.answer)


def solve(rng: Random) -> Conversation:
    roll = rng.random()
    if roll < 0.79:
        solution = word_problem(drawn_problem(rng), rng)
    elif roll < 0.84:
        solution = at_length(rng)
    elif roll < 0.95:
        solution = puzzle(rng)
    else:
        solution = comparison(rng)
    prompt = render("solve", problem=solution.question)
    if rng.random() < 0.04:
        prompt = solution.question
    if rng.random() < 0.02:
        return Conversation("answer", prompt, f"{solution.reply}<|end|>", thinking=False)
    return Conversation("solve", prompt, turn(solution.thought, solution.reply))


def code(rng: Random) -> Conversation:
    """The prompt of code_integrated: stories of every size, and numbers too large for the head."""
    if rng.random() < 0.55:
        plan = word_plan(drawn_problem(rng, 0.8), rng)
    else:
        plan = large_plan(large.compose(rng, rng.choice(large.LEVELS)), rng)
    pieces, _, _ = coded(rng, plan, hints())
    prompt = render("code_integrated", problem=plan.question)
    return Conversation("code", prompt, pieces.text, pieces=tuple(pieces.made))


def annotate(rng: Random) -> Conversation:
    """Reasoning for a given answer, or where a torn reasoning arrives; without a thought."""
    problem = drawn_problem(rng, 0.9)
    roll = rng.random()
    while roll > 0.5 and len(problem.steps) > rng.randint(2, 5):
        problem = drawn_problem(rng, 0.9)
    if roll < 0.2:
        asked, reasoning, answer = annotating.torn(rng, problem, options=0.6)
        prompt = render("annotate_blind", problem=asked, reasoning=reasoning)
        return Conversation("blind", prompt, f"Answer: {answer}<|end|>", thinking=False)
    if roll < 0.5:
        made = annotating.question(rng, problem)
        prompt = render("annotate_question", problem=made.question, answer=made.given)
    else:
        made = annotating.choice(rng, problem)
        prompt = render(
            "annotate_choice", problem=made.question, choices=made.options, answer=made.given
        )
    return Conversation("annotate", prompt, f"{made.reply}<|end|>", thinking=False)


def marked(rng: Random, text: str) -> tuple[str, str, int]:
    """The text with a marker between two words, the marker, and its place."""
    marker = MARKER if rng.random() < 0.85 else rng.choice(OTHER_MARKERS)
    gaps = [n for n, char in enumerate(text) if char == " "] or [0]
    place = rng.choice(gaps)
    return f"{text[:place]} {marker}{text[place:]}", marker, place


def read(rng: Random) -> Conversation:
    facts: tuple[documents.Fact, ...] = ()
    if rng.random() < 0.5:
        sentences = rng.choices((2, 3, 4, 5, 6, 8, 10, 14, 20), (3, 3, 3, 3, 3, 2, 2, 1, 1))[0]
        made = documents.compose(rng, sentences, rng.choice((0.0, 0.0, 0.15, 0.3, 0.5, 0.8)))
        text, facts = made.text, made.facts
    else:
        length = rng.choices((150, 300, 500, 800, 1200, 1800, 2800), (4, 5, 5, 4, 3, 2, 1))[0]
        text = wild.text(rng, int(length * rng.uniform(0.6, 1.2)))
    if rng.random() < 0.35:
        shown, marker, place = marked(rng, text)
        thought = think(rng, text, facts, place)
        prompt = render("thinking_focus", document=shown, marker=marker)
        return Conversation("focus", prompt, turn(thought.text, thought.reply))
    thought = think(rng, text, facts)
    prompt = render("thinking", document=text)
    if rng.random() < 0.04:
        return Conversation("answer", prompt, f"{thought.reply}<|end|>", thinking=False)
    return Conversation("read", prompt, turn(thought.text, thought.reply))


def ponder(rng: Random) -> Conversation:
    """A problem handed over as a document to think about."""
    solution = word_problem(drawn_problem(rng), rng) if rng.random() < 0.8 else puzzle(rng)
    thought = Thought(
        f"This asks for a number, so I work it out.\n{solution.thought}",
        f"It comes to {solution.answer}.",
    )
    if rng.random() < 0.2:
        shown, marker, _ = marked(rng, solution.question)
        prompt = render("thinking_focus", document=shown, marker=marker)
    else:
        prompt = render("thinking", document=solution.question)
    return Conversation("ponder", prompt, turn(thought.text, thought.reply))


def chat(rng: Random) -> Conversation:
    if rng.random() < 0.4:
        prompt, reply = rng.choice(CHAT)
    else:
        a, b = rng.randint(1, 50), rng.randint(1, 50)
        prompt = rng.choice(("What is {}+{}?", "{} + {} =", "Add {} and {}.")).format(a, b)
        reply = f"{a}+{b}={a + b}"
    return Conversation("chat", prompt, f"{reply}<|end|>", thinking=False)


def echo(rng: Random) -> Conversation:
    """Copying for its own sake: quoting is learned late unless it is drilled."""
    text = wild.text(rng, rng.randint(60, 500))
    parts = text.split(" ")
    if rng.random() < 0.4 or len(parts) < 8:
        prompt, reply = f"{text}\n\nRepeat the text above.", text
    else:
        drills = []
        for _ in range(rng.randint(1, 6)):
            place = rng.randrange(1, len(parts) - 4)
            given = " ".join(parts[place : place + 2])
            after = " ".join(parts[place + 2 : place + 2 + rng.randint(2, 10)])
            drills.append((given, after))
        asked = "\n".join(f"« {given} »" for given, _ in drills)
        prompt = f"{text}\n\nContinue each quote from the text above.\n{asked}"
        reply = "\n".join(f"« {given} {after} »" for given, after in drills)
    return Conversation("echo", prompt, f"{reply}<|end|>", thinking=False)


JOBS = (
    (code, 0.43), (solve, 0.17), (annotate, 0.23), (read, 0.11), (ponder, 0.01), (chat, 0.01),
    (echo, 0.04),
)  # fmt: skip


def conversation(seed: int) -> Conversation:
    """The conversation of this seed; always the same one."""
    rng = Random(f"pico corpus {seed}")
    job = rng.choices([job for job, _ in JOBS], [weight for _, weight in JOBS])[0]
    made = job(rng)
    if rng.random() < 0.05:
        return replace(made, system=rng.choice(SYSTEM))
    return made

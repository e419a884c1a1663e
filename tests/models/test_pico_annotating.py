"""Reasoning for given answers: it is pico's own, and what a torn one arrives at can be read."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from random import Random

PICO = Path(__file__).resolve().parents[2] / "models" / "pico"
sys.path.insert(0, str(PICO))

import annotating  # noqa: E402
import corpus  # noqa: E402
import problems  # noqa: E402

LEAK = re.compile(r"\b(given|known|expected|told|right answer)\b", re.IGNORECASE)


def test_question_when_annotated_then_it_closes_with_its_own_answer_and_never_leaks() -> None:
    moved = 0
    for seed in range(300):
        problem = problems.problem(1 + seed % 5, seed)
        made = annotating.question(Random(seed), problem)
        moved += made.given != problem.answer
        assert made.answer == problem.answer
        assert made.reply.split("\n")[-1] == f"Answer: {problem.answer}"
        assert not LEAK.search(made.reply.replace(problem.question, "").replace("is given", ""))
    assert 10 < moved < 60


def test_choice_when_annotated_then_every_option_has_a_line_and_one_fits() -> None:
    for seed in range(300):
        problem = problems.problem(1 + seed % 5, seed)
        made = annotating.choice(Random(seed), problem)
        right = annotating.LETTERS.index(made.answer)
        assert made.choices[right] == problem.answer
        assert len(set(made.choices)) == len(made.choices) >= 3
        about = [line for line in made.lines if re.match(r"[A-E]\. ", line)]
        assert len(about) == len(made.choices)
        assert [n for n, line in enumerate(about) if "what the working gives" in line] == [right]
        assert made.reply.endswith(f"\nAnswer: {made.answer}")


def test_torn_when_the_reasoning_misreads_the_question_then_that_is_where_it_arrives() -> None:
    elsewhere = 0
    for seed in range(300):
        problem = problems.problem(1 + seed % 5, seed)
        asked, reasoning, answer = annotating.torn(Random(seed), problem, options=0.0)
        assert asked == problem.question
        assert "Answer:" not in reasoning
        assert re.findall(r"\d+", reasoning)[-1] == answer
        elsewhere += answer != problem.answer
    assert 40 < elsewhere < 120


def test_annotate_when_a_conversation_is_drawn_then_its_prompt_is_the_recipes() -> None:
    jobs = set()
    for seed in range(60):
        made = corpus.annotate(Random(seed))
        jobs.add(made.job)
        assert not made.thinking
        assert not re.search(r"\{[a-z]+\}", made.prompt)
        assert "Answer:" in made.reply
        assert made.reply.count("Answer:") == 1
    assert jobs == {"annotate", "blind"}

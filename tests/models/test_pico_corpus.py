"""Pico's generators: the same from the same seed, and never a wrong line of reasoning."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

PICO = Path(__file__).resolve().parents[2] / "models" / "pico"
sys.path.insert(0, str(PICO))

import arithmetic  # noqa: E402
import corpus  # noqa: E402
import documents  # noqa: E402
import problems  # noqa: E402
import solutions  # noqa: E402
import thoughts  # noqa: E402

EQUATION = re.compile(r"(?<![\d+*/=-])(-?\d+(?:[-+*/]\d+)+)=(-?\d+)")


def checked_equations(text: str) -> int:
    """Every a op b = c in the text is true; how many there were."""
    found = EQUATION.findall(text)
    for left, right in found:
        value = eval(left, {"__builtins__": {}})
        assert value == pytest.approx(int(right), abs=1 if "/" in left else 0), f"{left}={right}"
    return len(found)


def last_number(text: str) -> int:
    return int(re.findall(r"(?<!\d)-?\d+", text)[-1])


@pytest.mark.parametrize("op", "+-*/")
def test_work_when_any_operands_then_every_line_is_true(op: str) -> None:
    rng = Random(op)
    for _ in range(400):
        a, b = rng.randint(0, 10 ** rng.randint(1, 5)), rng.randint(2, 10 ** rng.randint(1, 5))
        if op == "-":
            a, b = max(a, b), min(a, b)
        elif op == "*":
            b = 2 + b % 97
        elif op == "/":
            b = 2 + b % 8
            a *= b
        working = arithmetic.work(a, op, b)
        expected = eval(f"{a}{op.replace('/', '//')}{b}")
        assert working.endswith(f"={expected}")
        if op != "/":
            assert checked_equations(working) > 0


def test_signed_when_below_zero_then_the_result_is_right() -> None:
    rng = Random(4)
    for _ in range(400):
        a, b, op = rng.randint(-999, 999), rng.randint(0, 999), rng.choice("+-")
        assert last_number(arithmetic.signed(a, op, b)) == (a + b if op == "+" else a - b)


@pytest.mark.parametrize("level", problems.LEVELS)
def test_problem_when_same_seed_then_same_problem(level: int) -> None:
    assert problems.problem(level, 7) == problems.problem(level, 7)
    assert len({problems.problem(level, seed).question for seed in range(50)}) > 45


@pytest.mark.parametrize("level", problems.LEVELS)
def test_problem_when_recomputed_from_its_sentences_then_the_answer_holds(level: int) -> None:
    for seed in range(80):
        made = problems.problem(level, seed)
        assert len(made.steps) == level
        value = made.start
        for step in made.steps:
            assert step.phrase in made.question
            assert str(step.operand) in step.phrase
            if step.op == "/":
                assert value % step.operand == 0
            value = eval(f"{value}{step.op.replace('/', '//')}{step.operand}")
            assert value >= 0
        assert str(value) == made.answer


def test_problem_when_the_level_is_unknown_then_it_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="level must be one of"):
        problems.problem(6, 0)


@pytest.mark.parametrize("level", problems.LEVELS)
def test_word_problem_when_thought_through_then_it_ends_with_the_answer(level: int) -> None:
    for seed in range(60):
        made = problems.problem(level, seed)
        solution = solutions.word_problem(made, Random(seed))
        checked_equations(re.sub(r"\d+/\d+=\d+ rest \d+", "", solution.thought))
        assert last_number(solution.thought) == int(made.answer)
        assert re.findall(r"\\boxed\{(.*?)\}", solution.reply) == [made.answer]


def test_puzzle_when_drawn_then_the_thought_reaches_the_published_answer() -> None:
    rng = Random(11)
    for _ in range(150):
        solution = solutions.puzzle(rng)
        assert last_number(solution.thought) == int(solution.answer)
        assert f"\\boxed{{{solution.answer}}}" in solution.reply


def test_comparison_when_drawn_then_the_answer_is_one_of_the_two() -> None:
    rng = Random(12)
    for _ in range(100):
        solution = solutions.comparison(rng)
        a, b = map(int, re.findall(r"\d+", solution.question))
        larger = not re.search("smaller", solution.question)
        assert int(solution.answer) == (max(a, b) if larger else min(a, b))


def test_document_when_same_seed_then_same_text_and_its_facts_are_in_it() -> None:
    domains = set()
    for seed in range(60):
        made = documents.document(seed)
        assert made == documents.document(seed)
        domains.add(made.domain)
        for fact in made.facts:
            assert fact.quote.lower() in made.text.lower()
    assert len(domains) > 5


def test_think_when_given_a_document_then_quotes_stand_in_it_and_figures_are_true() -> None:
    for seed in range(80):
        made = documents.document(seed)
        thought = thoughts.think(Random(seed), made.text, made.facts)
        quotes = re.findall(r"« (.*?) »", thought.text)
        assert quotes
        for quote in quotes:
            assert quote.lower() in made.text.lower()
        checked_equations(re.sub(r"\d+/\d+=\d+ rest \d+", "", thought.text))


def test_think_when_a_document_has_more_figures_then_the_thought_is_longer() -> None:
    lengths: dict[bool, list[int]] = {False: [], True: []}
    for seed in range(200):
        made = documents.document(seed)
        size = len(thoughts.think(Random(seed), made.text, made.facts).text)
        lengths[len(made.facts) > 2].append(size)
    means = {heavy: sum(sizes) / len(sizes) for heavy, sizes in lengths.items()}
    assert means[True] > 1.5 * means[False]


def test_think_when_the_text_is_bare_then_there_is_still_a_thought() -> None:
    for text in ("", "word", "漢字", "\\section{A}"):
        assert thoughts.think(Random(0), text).text


def test_conversation_when_same_seed_then_same_and_every_job_occurs() -> None:
    made = [corpus.conversation(seed) for seed in range(300)]
    assert made == [corpus.conversation(seed) for seed in range(300)]
    assert {one.job for one in made} == {
        "solve", "code", "annotate", "blind", "read", "focus", "ponder", "answer", "chat", "echo",
    }  # fmt: skip
    for one in made:
        finished = one.reply.endswith("<|end|>")
        assert finished or one.job == "code"
        assert one.reply.count("</think>") == int(one.thinking and finished)
        assert "{problem}" not in one.prompt
        assert "{document}" not in one.prompt


@pytest.mark.parametrize(
    ("script", "keys"),
    [
        (["problems.py", "--level", "3"], {"question", "answer", "level"}),
        (["large.py", "--level", "7"], {"question", "answer", "level"}),
        (["documents.py"], {"text", "domain"}),
    ],
)
def test_command_when_asked_for_rows_then_it_prints_json_lines(
    script: list[str], keys: set[str]
) -> None:
    command = [sys.executable, str(PICO / script[0]), *script[1:], "--count", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 5
    assert all(set(row) == keys for row in rows)

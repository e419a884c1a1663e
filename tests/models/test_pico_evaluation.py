"""What pico's evaluation takes for a block, for a place of a hint and for an answer."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest
from tokenizers import Tokenizer

PICO = Path(__file__).resolve().parents[2] / "models" / "pico"
sys.path.insert(0, str(PICO))

import annotating  # noqa: E402
import annotation_tables  # noqa: E402
import code_runs  # noqa: E402
import code_tables  # noqa: E402
import coding  # noqa: E402
import large  # noqa: E402
import problems  # noqa: E402
from arithmetic import work  # noqa: E402


class Words:
    """Only the tokenizer of an engine."""

    def __init__(self) -> None:
        self.tokenizer = Tokenizer.from_file(str(PICO / "tokenizer.json"))

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text).ids)

    def decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids))


def run() -> code_runs.Run:
    return code_runs.Run(large.exam(1, 0), [], 100)


@pytest.mark.parametrize("op", "*/")
def test_hint_place_when_working_begins_then_before_its_first_figure(op: str) -> None:
    said = f"Nadia bakes more: step.\nThen this: step. {work(864080, op, 8)}."
    kind, place = code_runs.hint_place(said, None, ended=False) or ("", 0)
    assert kind == "delayed"
    assert said[:place].endswith("step. ")


@pytest.mark.parametrize("doubt", coding.DISTRUST)
def test_hint_place_when_an_output_is_doubted_then_at_once(doubt: str) -> None:
    said = f"{doubt}\n12+90: 2+0=2, 1+9=10, 12+90=102.\n"
    assert code_runs.hint_place(said, "102", ended=False) == ("distrust", 0)
    assert code_tables.doubted(said)


def test_hint_place_when_pico_goes_straight_on_then_none() -> None:
    for said in (
        "So it is 12.\n",
        "The sum 1 + 2 is needed.\n```python\ntotal = 1 + 2\ntotal\n```\n",
    ):
        assert code_runs.hint_place(said, "12", ended=True) is None
        assert not code_tables.doubted(said)


def test_kept_when_a_text_is_cut_then_the_ids_end_there() -> None:
    words = Words()
    text = "Nadia bakes 30 loaves: add. 45+30: 5+0=5"
    place = text.index("45")
    ids = code_runs.kept(words, words.encode(text), text, place)  # type: ignore[arg-type]
    assert words.decode(ids) == text[:place]


def test_block_when_a_text_ends_with_one_then_its_code_is_found() -> None:
    text = "I add.\n```python\na = 1\n```\n```output\n\n```\nAgain.\n```python\na + 1\n```\n"
    found = code_runs.BLOCK.search(text)
    assert found
    assert found[1].rpartition("```python\n")[2] == "a + 1"
    assert not code_runs.BLOCK.search(text + "So it is 2.")


def test_run_when_boxed_then_the_last_box_counts() -> None:
    made = run()
    made.text = f"\\boxed{{1}} no, \\boxed{{{made.problem.answer}}}"
    assert made.right
    made.text += " or \\boxed{x}"
    assert not made.right


def test_blind_when_given_a_reply_then_its_last_line_is_torn_off() -> None:
    made = annotating.question(Random(0), problems.problem(2, 1), 0.0)
    asked = annotation_tables.blind(made, made.reply)
    assert made.lines[-1] in asked.prompt
    assert f"Answer: {made.answer}" not in asked.prompt
    assert annotation_tables.final(made.reply) == made.answer
    assert annotation_tables.final("It is 5") == ""

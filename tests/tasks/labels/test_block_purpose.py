from __future__ import annotations

import pytest

from tests.dialogues import played
from tests.lakes import trace
from thoughtmill.schemas.rows import Segment
from thoughtmill.tasks.labels import BlockPurpose


def purposes(*parts: tuple[str, str]) -> list[str]:
    segments = [Segment(kind=kind, text=text, trainable=True) for kind, text in parts]
    prompt = Segment(kind="prompt", text="?", trainable=False)
    labels = BlockPurpose().labels(trace(0, segments=(prompt, *segments)))
    codes = [n for n, (kind, _) in enumerate(parts, 1) if kind == "code"]
    assert [label.position for label in labels] == codes
    assert {label.labeller for label in labels} <= {"block_purpose@1"}
    return [label.label for label in labels]


def one(code: str, said: str = "Now the product.\n", printed: str = "408") -> str:
    (purpose,) = purposes(
        ("think", said),
        ("code", f"```python\n{code}\n```\n"),
        ("output", f"```output\n{printed}\n```\n"),
    )
    return purpose


@pytest.mark.parametrize(
    "code",
    [
        "x = 12 * 34\nx",
        "print(12 * 34)",
        "for n in range(9):\n    if n * n == 16:\n        print(n)",
        "assert n > 0\nprint(n * 2)",
        "x <= 3",
        "from math import comb\ncomb(9, 3)",
        "x = (",
        "",
    ],
)
def test_block_purpose_when_a_block_finds_something_out_then_it_calculates(code):
    assert one(code) == "calculation"


@pytest.mark.parametrize(
    "code",
    [
        "assert 34 * 12 == product\nprint('ok')",
        "assert x == 408",
        "34 * 12 == product",
        "print(34 * 12 == product)",
        "x = 408\nx != 409",
        "# check the sum\nprint(sum([1, 2]))",
    ],
)
def test_block_purpose_when_a_block_asserts_or_compares_then_it_verifies(code):
    assert one(code, printed="True") == "verification"


@pytest.mark.parametrize(
    "said",
    [
        "Let me check this.\n",
        "So 408. Let me see whether another way gives the same.\n",
        "To be safe I verify:\n",
        "I double-check with sympy.\n\n",
    ],
)
def test_block_purpose_when_the_sentence_before_announces_a_check_then_it_verifies(said):
    assert one("12 * 34", said) == "verification"


def test_block_purpose_when_an_earlier_sentence_speaks_of_checking_then_that_does_not_count():
    assert one("12 * 34", "I will check my plan between the calls.\nFirst the product.\n") == (
        "calculation"
    )


def test_block_purpose_when_a_value_is_printed_again_then_the_second_block_verifies():
    block = ("code", "```python\n12 * 34\n```\n")
    out = ("output", "```output\n408\n```\n")
    other = ("output", "```output\n408 and 9\n```\n")
    assert purposes(block, out, block, out, block, other) == [
        "calculation", "verification", "calculation",
    ]  # fmt: skip


def test_block_purpose_when_a_hint_has_opened_the_block_then_its_code_is_read_all_the_same():
    drawn = played(
        "```python\n12 * 34\n```\n", "Hm.\n```python\n34 * 12 == 408\n```\n", "</think>408"
    )
    assert [label.label for label in BlockPurpose().labels(drawn)] == [
        "calculation",
        "verification",
    ]

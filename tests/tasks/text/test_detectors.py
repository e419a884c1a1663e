from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from thoughtmill.tasks.text.detectors import DelayedComputation, Distrust, sentences

LONG = "12*34: 2*4=8, 2*3=6, 1*4=4, 1*3=3, 340+68: 0+8=8, 4+6=10, so 12*34=408.\n"


def test_sentences_when_text_has_ends_then_each_begins_with_a_letter_and_holds_its_line_ends():
    text = "Add 3.5 first. Why?\n\n  Because.\nlast bit"
    assert [text[s.start : s.end] for s in sentences(text)] == [
        "Add 3.5 first.",
        "Why?\n\n",
        "Because.\n",
        "last bit",
    ]
    assert [s.whole for s in sentences(text)] == [True, True, True, False]


@given(st.text(alphabet="ab .!?\n)", max_size=40))
def test_sentences_when_text_is_any_then_nothing_but_spaces_is_left_out(text):
    found = list(sentences(text))
    kept = "".join(text[s.start : s.end] for s in found)
    assert kept.replace(" ", "").replace("\n", "") == text.replace(" ", "").replace("\n", "")
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "123 × 45 = 123 × 40 + 123 × 5 = 4920 + 615 = 5535, then 5535 + 1 = 5536, 5536 / 2 = 2768.",
        r"\(12 \times 34 = 12 \times 30 + 12 \times 4\), which is \(360 + 48 = 408\). "
        r"Then \(408 + 92 = 500\). And \(500 \cdot 2 = 1000\).",
        "30 times 4 is 120. 120 plus 8 is 128. 128 minus 3 is 125. 125 times 2 is 250. "
        "250 plus 1 is 251. 251 times 2 is 502.",
    ],
)
def test_delayed_when_arithmetic_is_written_out_then_the_passage_is_found_from_its_start(text):
    assert DelayedComputation().find(text) == 0
    before = "The product is needed. We think about it.\n"
    assert DelayedComputation().find(before + text) == len(before)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "We need 12 * 34 + 56 * 78 - 9 * 10 + 11 * 12.\n",
        "12 * 34 = 408.\n",
        "By 2024-05-06 it had 3-4 of 7-8, pages 10-20, 30-40 and 50-60.\n",
        "Let x + y = 12, 2x - y = 3, 3x + z = 9, x^2 + y^2 = 7, xy = 1, x - z = 2.\n",
        "2+3=5.\nNow think.\nAnd wait.\n1+1=2.\nHm.\nSo.\n3*3=9.\nOk.\nWell.\n2*2=4.\n",
    ],
)
def test_delayed_when_there_is_no_long_computation_then_nothing_is_found(text):
    assert DelayedComputation().find(text) is None


def test_delayed_when_the_threshold_is_another_then_so_is_the_verdict():
    short = "2+3=5, 5*2=10.\n"
    assert DelayedComputation().find(short) is None
    assert DelayedComputation(min_operations=2).find(short) == 0


@given(
    st.lists(
        st.sampled_from(["1 + 2 = 3. ", "2*3=6, 4*5=20\n", "Hm. ", "So\n", "12 / "]), max_size=14
    ),
    st.integers(1, 30),
)
def test_delayed_when_a_text_grows_then_looking_on_finds_what_looking_anew_finds(pieces, step):
    text, detector, resume = "".join(pieces), DelayedComputation(), 0
    for end in (*range(step, len(text), step), len(text)):
        found, resume = detector.scan(text[:end], resume)
        assert found == detector.find(text[:end])
        if found is not None:
            return


@pytest.mark.parametrize(
    "text",
    [
        "Let me check that by hand: 12*30=360.\n",
        "Hm, I am not sure about that. Let me go over it again.\n",
        "Can that be?\n",
        "That does not look right, so I do it again column by column.\n",
        "I would rather not rely on that; once more by hand.\n",
        "Wait, let me double-check this result.\n",
        "I should verify the calculation.\n",
        "Is that right? I'll recompute it manually.\n",
        "The interpreter might have made an error.\n",
        "12*34 = 12*30 + 12*4 = 408.\n",
    ],
)
def test_distrust_when_a_result_is_doubted_or_redone_then_its_sentence_is_found(text):
    assert Distrust().find(text, "408") == 0
    assert Distrust().find(f"So 408.\n{text}", "408") == len("So 408.\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "So the product is 408.\n",
        "Let me verify the logic of this code again.\n",
        "I want to check whether that divides 7.\n",
        "Let me check the edge case n = 0 in the code.\n",
        "Next I need 408 * 2 = 816.\n",
        "Let me check that",
        "One. Two. Three. Four. Let me check that by hand.\n",
    ],
)
def test_distrust_when_the_result_is_taken_or_the_logic_is_checked_then_nothing_is_found(text):
    assert Distrust().find(text, "408") is None


def test_detectors_when_a_pattern_is_no_regular_expression_then_the_error_names_it():
    for bad in ({"operation": "("}, {"wording": ["fine", "["]}, {"allowed": "*"}):
        with pytest.raises(ValidationError, match="no regular expression"):
            Distrust(**bad)
    with pytest.raises(ValidationError, match="no regular expression"):
        DelayedComputation(result="(?P<")

"""Kinds of answers that were once accepted wrongly or refused; the pairs are our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thoughtmill.tasks.answers.compare import compare
from thoughtmill.tasks.verifiers import Cascade, Claim, Workers, settled

NOT_ACCEPTED = [
    ("6 n", r"\boxed{6}"),
    ("3n-4", r"\boxed{3}"),
    ("y^2+5n^2", r"\boxed{y^2+5}"),
    ("e^{-140}", r"\boxed{e^{-141}}"),
    (r"\frac{1}{1500!}", r"\boxed{\frac{1}{1502!}}"),
    (r"10,\!080", r"\boxed{80,10}"),
    (r"\lfloor x/900 \rfloor", r"\boxed{0}"),
    ("|x-70|", r"\boxed{70-x}"),
    ("BAD", r"\boxed{DAB}"),
    ("1/5", r"\boxed{0.2\%}"),
    (r"2\pi", r"\boxed{2\pi^\circ}"),
    ("h' = 6t", r"\boxed{h = 6t}"),
    ("R'", r"\boxed{R}"),
    ("9", "There were 9 ducks. I am sorry, I can't go on."),
    ("12", "We counted 15 ways, not 12."),
    ("7", "Confidence: 7"),
    ("9", r"The roots are \(\boxed{-4}\) and \(\boxed{9}\)."),
    ("11", "The length is $ 3k + 11 $."),
    ("A", r"\boxed{\text{(C) } x + 1}"),
    ("5", "So the ratio of red to blue is 2:5."),
]
ACCEPTED = [
    (r"10,\!080", r"\boxed{10080}"),
    ("31", r"\boxed{\mathbf{31}}"),
    (r"\text{58}", r"\boxed{58}"),
    ("9", r"\boxed{9个}"),
    ("12", "答案：12"),
    ("12", "Ответ: 12"),
    ("1 GHz", r"\boxed{1000 \text{ MHz}}"),
    ("2 dozen", r"\boxed{24}"),
    ("100 °C", r"\boxed{212 °F}"),
    ("6+3=9\n#### 9", "The answer is 9."),
    ("4, -7", r"$x_1=\boxed{4}$, $x_2=\boxed{-7}$"),
    (r"\sqrt{uv}", r"\boxed{u^{1/2} v^{1/2}}"),
    (r"\sqrt{5}", r"\boxed{x = \sqrt{5} \approx 2.236}"),
    ("g(x) = 3x + 2", r"\boxed{y = 3x + 2}"),
    ("True", r"\boxed{yes}"),
    (r"u'' + 4u = 0", r"\boxed{u^{\prime\prime} + 4u = 0}"),
    ("[1,6]", r"\boxed{x \ge 1 \text{ and } x \le 6}"),
]
CHOICES = ("oak", "elm", "ash", "fir")
CHOSEN = [
    "It loses its needles never. #### B",
    "Hence B.",
    '{"answer": "B"}',
    r"\boxed{\mathrm{B}}",
    "We have \\boxed{x=3} first.\n\nAnswer: B",
    "I would choose option B rather than option C.",
]


@pytest.fixture(scope="module")
def outcomes():
    pairs = [*NOT_ACCEPTED, *ACCEPTED]
    claims = [Claim(str(n), answer, gold=gold) for n, (gold, answer) in enumerate(pairs)]
    with Workers(2) as workers:
        found = Cascade().local(claims, workers)
    return {p: settled(v) for p, v in zip(pairs, found, strict=True)}


@pytest.mark.parametrize("pair", NOT_ACCEPTED)
def test_answer_when_it_only_resembles_the_gold_then_it_is_not_accepted(outcomes, pair):
    assert outcomes[pair].outcome != "correct", outcomes[pair]


@pytest.mark.parametrize("pair", ACCEPTED)
def test_answer_when_it_is_the_gold_written_anew_then_it_is_accepted(outcomes, pair):
    assert outcomes[pair].outcome == "correct", outcomes[pair]


@pytest.mark.parametrize("response", CHOSEN)
@pytest.mark.parametrize(("gold", "outcome"), [("B", "correct"), ("D", "incorrect")])
def test_choice_when_a_letter_is_marked_then_it_decides(response, gold, outcome):
    claim = Claim("1", response, gold=gold, choices=CHOICES)
    with Workers(1) as workers:
        (verdicts,) = Cascade().local([claim], workers)
    verdict = settled(verdicts)
    assert verdict is not None
    assert verdict.outcome == outcome, verdict


@given(
    st.integers(2, 10**6), st.sampled_from(["mathbf", "boldsymbol", "text", "underline", "emph"])
)
def test_number_when_styled_then_it_stays_itself_and_no_other(value, style):
    assert compare(str(value), rf"\{style}{{{value}}}").equal
    assert compare(str(value), rf"\{style}{{{value + 1}}}").equal is not True


@given(st.integers(2, 999), st.sampled_from("nstvwhmg"))
def test_coefficient_when_its_letter_is_dropped_then_it_is_not_accepted(value, letter):
    assert compare(f"{value} {letter}", str(value)).equal is not True

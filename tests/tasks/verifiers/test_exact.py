from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thoughtmill.tasks.answers.compare import compare
from thoughtmill.tasks.verifiers import Claim, Exact

INTEGERS = st.integers(-(10**15), 10**15)
DECIMALS = st.decimals(-(10**6), 10**6, places=4).map(lambda d: f"{d:.4f}")
FRACTIONS = st.fractions(-1000, 1000, max_denominator=999)
NUMBERS = st.one_of(INTEGERS.map(str), DECIMALS, FRACTIONS.map(str))


def opinion(gold, response, **knobs):
    verifier = Exact(**knobs)
    return verifier.opinion(verifier.evidence(Claim("t", response, gold=gold)))


@pytest.mark.parametrize(
    ("gold", "response", "outcome", "reason"),
    [
        ("27.0", r"Hence \boxed{27}.", "correct", "same_value"),
        ("5 kg", "The answer is 5 g.", "incorrect", "wrong_unit"),
        ("1011_2", r"\boxed{1011_3}", "incorrect", "wrong_base"),
        (None, "5", "undecided", "no_gold"),
        ("  ", "5", "undecided", "no_gold"),
        ("5", "", "incorrect", "no_answer"),
        ("5", "<think>still thinking", "incorrect", "no_answer"),
        ("5", r"\boxed{asdf %% \frac{}", "undecided", "not_read"),
        (r"\frac{1}{", "5", "undecided", "not_read"),
        ("5" * 6000, "5", "undecided", "gold_too_long"),
        ("5", r"\boxed{" + "5" * 100_000 + "}", "undecided", "answer_too_long"),
        ("83.3", r"\boxed{\frac{250}{3}}", "undecided", "rounding"),
        ("3.14", r"\boxed{\pi}", "undecided", "rounding"),
        ("27.0", r"\boxed{27.04}", "incorrect", "different_value"),
        ("Monday", "In 5 days it is some other day, I think", "undecided", "unmarked_answer"),
        ("32", "Answer: The area is 32 square units in all", "correct", "same_text"),
        ("32", "Answer: The area is 23 square units in all", "incorrect", "different_value"),
        ("8", "Answer: Mark is 8 years old now and his father 32", "undecided", "several_numbers"),
        ("36", "Answer:\na) 28 cakes\nb) 36 cakes", "undecided", "several_parts"),
        ("0.3667", "Answer: 11/30 (approximately 0.3667)", "correct", "same_value"),
        ("United States", "\\boxed{USA}", "undecided", "words"),
    ],
)  # fmt: skip
def test_exact_when_asked_then_outcome_and_reason(gold, response, outcome, reason):
    assert opinion(gold, response)[:2] == (outcome, reason)


def test_exact_when_rounded_golds_are_accepted_then_its_name_says_so():
    assert opinion("83.3", r"\boxed{250/3}", accept_rounded_gold=True).outcome == "correct"
    assert opinion("83.3", r"\boxed{83.4}", accept_rounded_gold=True).outcome == "incorrect"
    assert Exact(accept_rounded_gold=True).name == 'exact@3{"accept_rounded_gold":true}'


@pytest.mark.parametrize(
    "text",
    [
        "10**10**10",
        "9**9**9**9",
        "10^{10^{10}}",
        "(10^9)!",
        "factorial(10**9)",
        "__import__('os').system('touch pwned')",
        "2^{99999999}",
        r"\binom{10^{9}}{10^{8}}",
        r"\sqrt[100000]{2}",
        r"e^{e^{e^{e^{10}}}}",
        "(" * 400 + "1" + ")" * 400,
        "[" * 900,
        "-" * 900 + "1",
        "1" + "!" * 500,
        r"\frac{" * 150 + "1" + "}{2}" * 150,
        "9" * 900,
        "{" * 300 + "5" + "}" * 300,
        r"\tan(\frac{\pi}{2})",
        "1/0",
        "0^0",
        r"\x00\ud7ff",
        "𝟙𝟚 ２７ ٣",
        "5 kilometers northwest from grandmother's house",
        "5 " + "a" * 900 + "'",
    ],
)
def test_exact_when_the_text_is_hostile_then_it_answers_at_once_in_this_process(text, tmp_path):
    for gold, answer in ((text, "5"), ("5", text), (text, text), (text, text + "+1")):
        compare(gold, answer)  # no exception; the suite's own time-out guards against a hang
    assert compare("5", text).equal is not True


@pytest.mark.parametrize(
    ("gold", "answer"),
    [("x+3m", "3m+x"), ("2k+3m", "3m+2k"), ("6x+3h", "3(2x+h)"), ("2(l+w)", "2w+2l")],
)
def test_compare_when_letters_are_variables_then_they_are_not_read_as_units(gold, answer):
    assert compare(gold, answer).equal


@pytest.mark.parametrize(
    ("gold", "answer"), [("5m", r"5\cdot m"), ("x=1, y=2", "2, 1"), ("a=3, b=4", "4, 3")]
)
def test_compare_when_it_can_not_tell_then_it_does_not_decide(gold, answer):
    assert compare(gold, answer).equal is None


@pytest.mark.parametrize(
    ("gold", "response", "outcome"),
    [
        ("5 kg", "Answer: the bag weighs 5 grams in total", "incorrect"),
        ("5 kg", "Answer: the bag weighs 5 kilograms in total", "correct"),
        ("$5", "Answer: he paid 5 euros in the shop", "incorrect"),
        ("1011_2", "Answer: the number is 1011 in base three", "incorrect"),
        ("5", "The answer is definitely not equal to 5", "undecided"),
        ("5", "Answer: it must be more than 5 apples", "undecided"),
    ],
)
def test_exact_when_the_answer_is_a_sentence_then_unit_base_and_hedges_count(
    gold, response, outcome
):
    exact = Exact()
    assert exact.opinion(exact.evidence(Claim("t", response, gold=gold))).outcome == outcome


@given(NUMBERS, NUMBERS)
def test_compare_when_sides_are_swapped_then_plain_numbers_agree(a, b):
    assert compare(a, b).equal == compare(b, a).equal or "rounding" in (
        compare(a, b).reason,
        compare(b, a).reason,
    )


@given(FRACTIONS)
def test_compare_when_a_fraction_is_written_anew_then_it_is_the_same(value):
    over, under = value.numerator, value.denominator
    for form in (
        f"{over}/{under}",
        rf"\frac{{{over}}}{{{under}}}",
        rf"\dfrac{{{2 * over}}}{{{2 * under}}}",
    ):
        assert compare(str(value), form).equal
    assert not compare(str(value), str(value + Fraction(1, 7))).equal


@given(INTEGERS)
def test_compare_when_an_integer_is_written_anew_then_it_is_the_same(value):
    for form in (f"{value:,}", f"{value}.0", f"${value}$", f"{value} apples", rf"\text{{{value}}}"):
        if form.startswith(r"\text"):
            continue
        assert compare(str(value), form).equal, form
    assert compare(str(value), str(value + 1)).equal is False


@given(DECIMALS, st.integers(1, 9))
def test_compare_when_the_last_place_moves_then_decimals_differ(text, step):
    other = Decimal(text) + Decimal(step) / 10_000
    assert compare(text, f"{other:.4f}").equal is not True


@given(st.text(max_size=200))
def test_compare_when_given_any_text_then_it_raises_nothing(text):
    compare(text, "5")
    compare("x+1", text)

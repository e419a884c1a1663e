import time

import pytest

from thoughtmill.tasks.answers.extract import find_answer

CASES = [
    (r"So we get \boxed{27}.", "27", "box"),
    (r"\boxed{\frac{1}{\sqrt{2}}} is it", r"\frac{1}{\sqrt{2}}", "box"),
    (r"First \boxed{3}, but wait: it must be \boxed{4}", "4", "box"),
    (r"$x=\boxed{2}$ or $x=\boxed{-3}$", "2, -3", "box"),
    (r"\boxed{\boxed{5}}", "5", "box"),
    (r"\boxed{7} is checked. \boxed{12", "7", "box"),
    (r"\boxed 5", "5", "box"),
    (r"\fbox{\{1,2\}}", r"\{1,2\}", "box"),
    (r"<think>maybe \boxed{1}</think>The answer is \boxed{2}", "2", "box"),
    (r"maybe \boxed{1}</think>It is \boxed{2}", "2", "box"),
    ("<answer>42</answer>", "42", "tag"),
    ("5 + 3 = 8\n#### 8", "8", "hash"),
    ("The answer is 27.", "27", "phrase"),
    ("**Answer:** 3.5", "3.5", "phrase"),
    ("The final answer is: $\\frac{3}{4}$. I hope it is correct.", "$\\frac{3}{4}$", "phrase"),
    ("Therefore, the answer is $x = 5.5$ because of that.", "$x = 5.5$", "phrase"),
    ("At first the answer is 3. Then the answer is 4.", "4", "phrase"),
    ("Answer:\na) 3\nb) 4", "a) 3\nb) 4", "parts"),
    ("Monday", "Monday", "whole"),
    ("It is 27.0.", "27.0.", "whole"),
    ("So it's Monday", "Monday", "whole"),
    ("$\\frac12$", "$\\frac12$", "whole"),
    ("He has 3 bags of 4 apples each, that makes 3 * 4 = 12", "12", "number"),
    ("She pays 12 dollars for the 3 books that she bought there for 4.50", "4.50", "number"),
    ("Total: \\$1,200.50", "\\$1,200.50", "whole"),
    ("We pay $5 for one and $100 for the whole lot, which is a lot", "$100", "unclaimed"),
    ("", None, "none"),
    ("<think>I wonder whether it is 5", None, "none"),
    (
        "There is no way to know what they thought of all this.",
        "There is no way to know what they thought of all this.",
        "unclaimed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("response", "answer", "how"), CASES)
def test_answer_when_found_then_it_is_the_last_marked_one(response, answer, how):
    assert find_answer(response) == (answer, how)


@pytest.mark.parametrize(
    "response",
    [
        "x" * 200_000,
        "\\boxed{" * 30_000,
        "{" * 100_000 + "\\boxed{5}",
        "the answer is " * 15_000,
        "$" * 100_000,
        "<think>" * 30_000,
        "<answer>" * 25_000,
        "1 " * 100_000,
        "\\boxed{1} and " * 10_000,
    ],
)
def test_answer_when_the_response_is_huge_then_it_takes_no_time(response):
    started = time.process_time()
    find_answer(response)
    assert time.process_time() - started < 5

"""A prompt that never shows its item is a config error."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from thoughtmill.tasks.recipes import Annotate, CodeIntegrated, Solve, Thinking
from thoughtmill.tasks.verifiers import Judge


@pytest.mark.parametrize(
    ("model", "field", "text", "said"),
    [
        (Thinking, "prompt", "Think about it.", "never shows {document}"),
        (Thinking, "prompt", "{document} and {docment}", "{docment} is never filled in"),
        (Thinking, "focus_prompt", "{document}", "never shows {marker}"),
        (Thinking, "plain_prompt", "Think: { document }", "never shows {document}"),
        (Solve, "prompt", "Solve {Problem}", "never shows {problem}"),
        (CodeIntegrated, "prompt", "Solve {problem} for {answer}", "{answer} is never filled in"),
        (Annotate, "question_prompt", "Why {answer}?", "never shows {problem}"),
        (Annotate, "blind_prompt", "{problem}", "never shows {reasoning}"),
        (Judge, "prompt", "Is {answer} right? {problem}", "never shows {gold}"),
    ],
)
def test_prompt_when_a_placeholder_is_missing_or_unknown_then_the_error_lists_them(
    model, field, text, said
):
    with pytest.raises(ValidationError) as refused:
        model(**{field: text})
    assert said in str(refused.value)
    assert "its placeholders: {" in str(refused.value)


@pytest.mark.parametrize("text", [r"{problem} Put it in \boxed{answer}, as x_{n}.", "{problem}{}"])
def test_prompt_when_it_has_braces_of_latex_then_they_are_no_placeholders(text):
    assert Solve(prompt=text).prompt == text

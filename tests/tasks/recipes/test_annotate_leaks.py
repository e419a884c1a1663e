from __future__ import annotations

import pytest

from thoughtmill.tasks.recipes.annotate_leaks import LEAKS, leak_in


@pytest.mark.parametrize(
    "text",
    [
        "The given answer is 12, so the sum must come to 12.",
        "This matches the expected answer.",
        "That is consistent with the provided action.",
        "The correct answer was already given.",
        "I was told that the answer is 12.",
        "As we've been given the right option, B, we look for a reason.",
        "We already know the answer is 12.",
        "Knowing that the next action is a left turn, I look left.",
        "Working backwards from the answer, there were 4 before.",
        "Since the correct option is C, the others must be wrong.",
        "To justify the action, note that the door is near.",
        "According to the answer key it is 12.",
        "I must not mention that it was told to me.",
        "The ground truth says stop.",
        "The prompt gives the action as stop.",
        "Die vorgegebene Antwort ist 12.",
        "La réponse fournie est 12.",
        "La respuesta dada es 12.",
        "La risposta attesa è 12.",
        "A resposta esperada é 12.",
        "Известный ответ: 12.",
        "根据给定的答案,我们得到12。",
        "与えられた答えは12です。",
    ],
)
def test_leak_in_when_a_reasoning_was_told_its_answer_then_the_words_that_say_so(text):
    found = leak_in(text)
    assert found
    assert found.split()[0].lower() in text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "Six and seven are thirteen. So the answer is 13.",
        "The correct answer is B.",
        "B is the right option, the others fail.",
        "Of the given options only B is even.",
        "Looking at the given answer choices, A is too small.",
        "We are given a choice of 4 fruits and 3 drinks.",
        "The given solution contains 5 grams of salt.",
        "Since the answer must be positive, we discard -3.",
        "The answer is given by the sum of both.",
        "The number of boxes is known to be 12.",
        "It is given that x is 3.",
        "The instruction says to stop at the red ball, and the ball is below me.",
        "My next action should bring me closer to the door.",
        "The best action is to turn left by 15 degrees.",
        "The expected value of the die is 3.5.",
        "The door is ahead, so I stop here.",
    ],
)
def test_leak_in_when_a_solver_talks_as_solvers_do_then_none(text):
    assert leak_in(text) is None


def test_leak_in_when_patterns_are_others_then_only_those_count():
    assert leak_in("the given answer", ["psst"]) is None
    assert leak_in("PSST, it is 4", ["psst"]) == "PSST"
    assert leak_in("the given answer", ()) is None
    assert all(isinstance(pattern, str) for pattern in LEAKS)

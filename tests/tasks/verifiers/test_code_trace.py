from __future__ import annotations

import asyncio

import pytest

from tests.dialogues import PROBLEM, played
from thoughtmill.schemas.rows import Segment
from thoughtmill.tasks.verification.batch import Known, Reviewing
from thoughtmill.tasks.verification.settings import VerifySettings
from thoughtmill.tasks.verifiers import Claim, Helpers, Workers
from thoughtmill.tasks.verifiers.code_trace import (
    AnswerBeforeCode,
    BrokenPair,
    LeftoverDelayed,
    LeftoverDistrust,
    NoCode,
)

BY_HAND = "12*34: 2*4=8, 2*3=6, 1*4=4, 1*3=3, 340+68: 0+8=8, 4+6=10, 3+1=4, so 12*34=408.\n"
GOOD = [
    ("think", "The product is needed.\n"),
    ("code", "```python\n12 * 34\n```\n"),
    ("output", "```output\n408\n```\n"),
    ("think", "So it is 408.\n"),
    ("answer", "\n\n\\boxed{408}"),
]
HINTED = [
    ("think", "The product is needed."),
    ("hint", "\nI leave it to Python.\n```python\n"),
    ("code", "12 * 34\n```\n"),
    ("output", "```output\n408\n```\n"),
    ("hint", "No need to doubt it.\n"),
    ("think", "So it is 408.\n"),
    ("answer", "\n\n\\boxed{408}"),
]
ALL = (NoCode(), BrokenPair(), AnswerBeforeCode(), LeftoverDistrust(), LeftoverDelayed())


def claim(parts: list[tuple[str, str]], recipe: str = "code_integrated") -> Claim:
    segments = [("prompt", "What is 12 * 34?"), *parts]
    return Claim(
        trace_id="t",
        response="408",
        gold="408",
        segments=tuple(
            Segment(kind=kind, text=text, trainable=kind != "output") for kind, text in segments
        ),
        recipe=recipe,
    )


def said(check, parts: list[tuple[str, str]]) -> tuple[str, str]:
    opinion = check.opinion(check.evidence(claim(parts)))
    return opinion.outcome, opinion.reason


def without(kind: str, parts=GOOD) -> list[tuple[str, str]]:
    return [part for part in parts if part[0] != kind]


def instead(at: int, kind: str, text: str, parts=GOOD) -> list[tuple[str, str]]:
    return [*parts[:at], (kind, text), *parts[at + 1 :]]


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.kind)
@pytest.mark.parametrize("parts", [GOOD, HINTED], ids=["plain", "hinted"])
def test_checks_when_a_trace_is_good_then_they_pass_it(check, parts):
    assert said(check, parts) == ("correct", "passed")


@pytest.mark.parametrize(
    ("check", "parts", "reason"),
    [
        (NoCode(), [GOOD[0], GOOD[-1]], "no_code"),
        (NoCode(), [], "no_code"),
        (NoCode(), without("output"), "no_code"),
        (BrokenPair(), without("output"), "code_without_output"),
        (BrokenPair(), without("code"), "output_without_code"),
        (BrokenPair(), [*GOOD[:3], GOOD[2], *GOOD[3:]], "output_without_code"),
        (BrokenPair(), [*GOOD[:-1], ("code", "```python\nx = 1"), GOOD[-1]], "code_without_output"),
        (BrokenPair(), instead(3, "think", "```output\n408\n```\nSo 408.\n"), "output_never_run"),
        (BrokenPair(), instead(4, "answer", "```output\n408\n```\n"), "output_never_run"),
        (AnswerBeforeCode(), instead(0, "think", "It is \\boxed{408}.\n"), "answer_before_code"),
        (AnswerBeforeCode(), instead(0, "think", "The answer is 408.\n"), "answer_before_code"),
        (AnswerBeforeCode(), instead(0, "think", "**Answer:** 408\n"), "answer_before_code"),
        (
            LeftoverDistrust(),
            instead(3, "think", "Let me check that by hand.\n"),
            "leftover_distrust",
        ),
        (LeftoverDistrust(), instead(3, "think", "I am not sure about that"), "leftover_distrust"),
        (
            LeftoverDistrust(),
            instead(5, "think", "Still I don't trust it.\n", HINTED),
            "leftover_distrust",
        ),
        (LeftoverDelayed(), instead(0, "think", BY_HAND), "leftover_delayed"),
        (LeftoverDelayed(), instead(3, "think", BY_HAND), "leftover_delayed"),
    ],
)
def test_checks_when_a_trace_has_the_fault_then_it_is_incorrect_with_the_reason(
    check, parts, reason
):
    assert said(check, parts) == ("incorrect", reason)


@pytest.mark.parametrize(
    ("check", "parts"),
    [
        (AnswerBeforeCode(), instead(0, "think", "To answer it, the product is needed.\n")),
        (AnswerBeforeCode(), instead(3, "think", "So the answer is 408.\n")),
        (LeftoverDistrust(), instead(0, "think", "Let me check that by hand.\n")),
        (LeftoverDistrust(), instead(3, "think", "Let me check the logic of this code.\n")),
        (LeftoverDelayed(), instead(1, "code", f"```python\n# {BY_HAND}\n```\n")),
        (BrokenPair(), instead(4, "answer", "```python\n12 * 34\n```\n")),
    ],
)
def test_checks_when_it_only_looks_like_the_fault_then_they_pass_it(check, parts):
    assert said(check, parts) == ("correct", "passed")


def test_answer_before_code_when_there_is_no_code_then_it_has_no_opinion():
    assert said(AnswerBeforeCode(), [GOOD[0], GOOD[-1]]) == ("undecided", "no_code")


def test_checks_when_a_trace_is_of_another_recipe_then_they_do_not_speak():
    assert all(check.speaks_on(claim(GOOD)) for check in ALL)
    assert not any(check.speaks_on(claim(GOOD, recipe="solve")) for check in ALL)


def test_leftover_when_the_detector_has_other_knobs_then_the_verdict_says_so_in_its_name():
    strict = LeftoverDelayed(detector={"min_operations": 2})
    assert strict.name == 'leftover_delayed@1{"detector":{"min_operations":2}}'
    assert said(strict, instead(0, "think", "2+3=5, 5*2=10.\n"))[0] == "incorrect"


def test_review_when_it_has_the_checks_then_each_trace_gets_a_verdict_of_each():
    trace = played("The answer is 408.\n```python\n12 * 34\n```\n", "So.\n</think>\n\n\\boxed{408}")
    kinds = [
        "no_code",
        "broken_pair",
        "answer_before_code",
        "leftover_distrust",
        "leftover_delayed",
    ]
    settings = VerifySettings(checks=[{"kind": kind} for kind in kinds], labels=[])
    reviewing = Reviewing(settings)
    reviewing.add(trace, PROBLEM, Known({}, frozenset(), frozenset()))
    with Workers(1) as workers:
        review = asyncio.run(reviewing.finish(workers, Helpers()))
    told = {v.verifier.split("@")[0]: v.outcome for v in review.verdicts}
    assert told == {
        "exact": "correct",
        **dict.fromkeys(kinds, "correct"),
        "answer_before_code": "incorrect",
    }

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.grading import attempt, problem
from thoughtmill.schemas.errors import ConfigError, TeacherDown, TeacherError
from thoughtmill.schemas.teachers import ScriptedTeacher
from thoughtmill.tasks.scores import Likelihood, Repetition, Script, ThinkingLength
from thoughtmill.tasks.teachers.scripted import Scripted
from thoughtmill.tasks.verification.batch import (
    Known,
    Reviewing,
    gold_checks,
    gold_claim,
    without_teacher,
)
from thoughtmill.tasks.verification.settings import VerifySettings
from thoughtmill.tasks.verifiers import Cascade, Exact, Helpers, Judge, Opinion, Symbolic, Workers
from thoughtmill.tasks.verifiers.cascade import AnyVerifier

NEW = Known()
VOTE = 'judge@2{"votes":1,"teacher":"scripted"}'
JUDGED = VerifySettings(
    cascade=Cascade(tiers=(Exact(), Judge(votes=1))), scores=(), teacher=ScriptedTeacher()
)


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as pool:
        yield pool


def reviewed(settings, rows, workers, teacher=None):
    reviewing = Reviewing(settings)
    for trace, item, known in rows:
        reviewing.add(trace, item, known)
    return asyncio.run(reviewing.finish(workers, Helpers(teacher=teacher)))


def scripted(*replies):
    return Scripted(ScriptedTeacher(replies=replies))


def test_review_when_answers_differ_then_each_trace_has_its_verdicts_and_scores(workers):
    asked = problem(6, text="What is six and one?")
    traces = [attempt(asked, draw, answer) for draw, answer in enumerate(("7", "8", "7.0"))]
    settings = VerifySettings(scores=(Repetition(), ThinkingLength(), Script()))
    review = reviewed(settings, [(t, asked, NEW) for t in traces], workers)
    assert [(v.trace_id, v.verifier, v.outcome) for v in review.verdicts] == [
        (t.trace_id, "exact@3", outcome)
        for t, outcome in zip(traces, ("correct", "incorrect", "correct"), strict=True)
    ]
    assert review.outcomes == {"correct": 2, "incorrect": 1}
    lengths = {s.trace_id: s.value for s in review.scores if s.scorer == "thinking_length@1"}
    assert lengths == {t.trace_id: 2.0 for t in traces}
    assert len({(s.trace_id, s.scorer) for s in review.scores}) == len(review.scores) == 9


@pytest.mark.parametrize(
    ("reference", "answer", "outcome", "reason"),
    [
        (None, "7", "undecided", "no_gold"),
        ("", "7", "undecided", "no_gold"),
        ("7", "x" * 100_000, "undecided", "answer_too_long"),
        ("x" * 100_000, "7", "undecided", "gold_too_long"),
        ("7", "10**10**10", None, None),
        ("7", "{" * 5_000, None, None),
        ("10**10**10", "10**10**10", None, None),
        ("__import__('os').system('touch MARK')", "7", None, None),
        ("7", "__import__('os').system('touch MARK')", None, None),
        ("\\frac{" * 400, "\\frac{" * 400, None, None),
    ],
)
def test_review_when_input_is_bad_then_there_is_a_verdict_with_a_reason_and_nothing_was_run(
    workers, tmp_path, monkeypatch, reference, answer, outcome, reason
):
    monkeypatch.chdir(tmp_path)
    asked = problem(0, reference=reference)
    trace = attempt(asked, 0, answer)
    review = reviewed(VerifySettings(), [(trace, asked, NEW)], workers)
    last = review.verdicts[-1]
    assert last.reason
    assert outcome in (None, last.outcome)
    assert reason in (None, last.reason)
    assert list(Path(tmp_path).iterdir()) == []


def test_review_when_no_tier_speaks_to_a_claim_then_the_cascade_says_so_once(workers):
    asked = problem(0, meta={"tests": "[]"})
    trace = attempt(asked, 0)
    review = reviewed(VerifySettings(), [(trace, asked, NEW)], workers)
    assert [(v.verifier, v.outcome, v.reason) for v in review.verdicts] == [
        ("cascade@1", "undecided", "no_verifier")
    ]
    known = Known({"cascade@1": Opinion("undecided", "no_verifier")})
    assert reviewed(VerifySettings(), [(trace, asked, known)], workers).verdicts == []


def test_review_when_a_tier_has_spoken_before_then_it_is_not_asked_again(workers):
    asked = problem(6)
    right, open_ = attempt(asked, 0, "7"), attempt(asked, 1, "many")
    known = Known({"exact@3": Opinion("correct", "number")}, frozenset({"repetition@1"}))
    undecided = Known({"exact@3": Opinion("undecided", "words")})
    settings = JUDGED.model_copy(update={"scores": (Repetition(),)})
    review = reviewed(
        settings,
        [(right, asked, known), (open_, asked, undecided)],
        workers,
        scripted("VERDICT: INCORRECT"),
    )
    assert [(v.trace_id, v.verifier) for v in review.verdicts] == [(open_.trace_id, VOTE)]
    assert [s.trace_id for s in review.scores] == [open_.trace_id]
    assert review.outcomes == {"correct": 1, "incorrect": 1}


def test_review_when_the_teacher_fails_one_question_then_the_others_are_answered(workers):
    class Moody(Scripted):
        async def score(self, token_ids, *, from_position):
            if len(token_ids) > 40:
                raise TeacherError("no")
            return await super().score(token_ids, from_position=from_position)

    asked = problem(6)
    short, long = attempt(asked, 0, "7"), attempt(asked, 1, "7" * 60)
    settings = JUDGED.model_copy(update={"scores": (Likelihood(),)})
    review = reviewed(
        settings,
        [(short, asked, NEW), (long, asked, NEW)],
        workers,
        Moody(ScriptedTeacher(replies=("VERDICT: CORRECT",))),
    )
    assert review.unfinished >= {long.trace_id}
    assert review.outcomes["unanswered"] == len(review.unfinished)
    assert {v.trace_id for v in review.verdicts} == {short.trace_id, long.trace_id}


def test_review_when_the_judge_does_not_answer_then_nothing_is_said_and_the_trace_is_unfinished(
    workers,
):
    class Busy(Scripted):
        async def chat(self, messages, sampling, *, seed):
            raise TeacherError("429")

    asked = problem(6)
    easy, hard = attempt(asked, 0, "7"), attempt(asked, 1, "many")
    rows = [(easy, asked, NEW), (hard, asked, NEW)]
    review = reviewed(JUDGED, rows, workers, Busy(ScriptedTeacher()))
    assert review.unfinished == {hard.trace_id}
    assert review.outcomes == {"correct": 1, "unanswered": 1}
    assert {v.reason for v in review.verdicts}.isdisjoint({"teacher_error"})


def test_review_when_the_teacher_is_gone_then_the_batch_fails(workers):
    class Gone(Scripted):
        async def extend(self, *args, **kwargs):
            raise TeacherDown("gone")

    asked = problem(6)
    with pytest.raises(BaseExceptionGroup) as raised:
        reviewed(
            JUDGED, [(attempt(asked, 0, "many"), asked, NEW)], workers, Gone(ScriptedTeacher())
        )
    assert raised.group_contains(TeacherDown)


@pytest.mark.parametrize(
    ("fields", "outcome", "reason"),
    [
        ({"reference": "27.0"}, "correct", None),
        ({"reference": "\\frac{1}{2}"}, "correct", None),
        ({"reference": "photosynthesis"}, "correct", None),
        ({"reference": "B", "choices": ("x", "y")}, "correct", None),
        ({"reference": "Z", "choices": ("x", "y")}, "undecided", "gold_no_option"),
        ({"reference": None}, "undecided", "no_gold"),
        ({"reference": "9" * 6000}, "undecided", "gold_too_long"),
        ({"reference": "def f(): pass", "meta": {"tests": "[]"}}, "undecided", "no_verifier"),
    ],
)
def test_gold_when_an_item_is_checked_against_itself_then_one_row_says_whether_it_holds(
    workers, fields, outcome, reason
):
    asked = problem(0, **fields)
    (check,) = asyncio.run(gold_checks(Cascade(), [asked], workers, Helpers()))
    assert (check.item_id, check.outcome) == (asked.item_id, outcome)
    assert reason in (None, check.reason)


def test_gold_when_it_is_code_then_the_claim_is_a_block_of_it():
    asked = problem(0, reference="def f(): pass", meta={"tests": "[]"})
    assert gold_claim(asked).response == "```python\ndef f(): pass\n```"


def test_cascade_when_gold_is_checked_then_no_judge_is_asked():
    assert without_teacher(Cascade(tiers=(Exact(), Judge()))).tiers == (Exact(),)


def test_settings_when_something_asks_a_teacher_and_none_is_named_then_it_is_refused():
    for settings in (
        VerifySettings(cascade=Cascade(tiers=(Judge(),))),
        VerifySettings(scores=(Likelihood(),)),
    ):
        with pytest.raises(ConfigError, match=r"verify\.teacher: missing"):
            settings.require_teacher()


def test_lane_when_opinions_could_differ_then_it_differs_and_else_not():
    base = VerifySettings()
    assert base.lane == VerifySettings(where="draw = 0", batch_size=7, workers=2).lane
    others = [
        VerifySettings(cascade=Cascade(recheck=True)),
        VerifySettings(cascade=Cascade(tiers=(Symbolic(),))),
        VerifySettings(scores=()),
        JUDGED,
        JUDGED.model_copy(update={"teacher": ScriptedTeacher(model="other")}),
    ]
    assert len({base.lane, *(other.lane for other in others)}) == 6
    # A teacher whom nobody asks changes nothing.
    assert base.lane == VerifySettings(teacher=ScriptedTeacher()).lane


def test_tiers_when_a_lake_is_made_then_it_knows_each_verifier_as_its_class_does(lake):
    union = AnyVerifier.__origin__.__args__
    known = {kind: (rank, graded) for kind, rank, graded in lake.rows("FROM tiers")}
    assert known.pop("cascade") == (0, False)
    assert known == {
        verifier.model_fields["kind"].default: (verifier.rank, verifier.graded)
        for verifier in union
    }

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NamedTuple

import pytest
from pydantic import ValidationError

from thoughtmill.schemas.errors import PromptTooLong, TeacherError
from thoughtmill.schemas.ids import content_hash, trace_id
from thoughtmill.schemas.rows import Drop, Item, Trace, Verdict
from thoughtmill.schemas.teachers import Sampling, ScriptedTeacher
from thoughtmill.tasks.recipes import Annotate
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.synthesis.worker import lane_of
from thoughtmill.tasks.teachers.protocol import Completion
from thoughtmill.tasks.teachers.scripted import END, Scripted
from thoughtmill.warehouse.images import Picture, store
from thoughtmill.warehouse.storage import Storage

REASONING = "Six jars and seven jars are thirteen jars.\n"
GOOD = f"{REASONING}Answer: 13"
BLIND = "Answer: 13"
FRAME = Picture.of(b"frame", format="jpeg", width=4, height=3)
EARLIER = Picture.of(b"earlier frame", format="jpeg", width=4, height=3)


class Said(Scripted):
    """A teacher that says these replies, or fails, one after the other, and keeps what it heard."""

    def __init__(self, *replies: str | Exception) -> None:
        super().__init__(ScriptedTeacher())
        self.replies = list(replies)
        self.asked: list[list] = []
        self.sampled: list[Sampling] = []

    async def chat(self, messages, sampling, *, seed) -> Completion:
        self.asked.append(list(messages))
        self.sampled.append(sampling)
        written = self.replies.pop(0)
        if isinstance(written, Exception):
            raise written
        prompt_ids = tuple(self.tokens.render(messages))
        cut = written.endswith("…")
        ids = tuple(written.encode()) + (() if cut else (END,))
        return Completion(
            text=written,
            finish_reason="length" if cut else "stop",
            prompt_tokens=len(prompt_ids),
            completion_tokens=len(ids),
            prompt_ids=prompt_ids,
            token_ids=ids,
        )


class Ended(NamedTuple):
    rows: list
    kit: Kit

    @property
    def traces(self) -> list[Trace]:
        return [row for row in self.rows if isinstance(row, Trace)]

    @property
    def verdicts(self) -> list[tuple[str, str, str]]:
        return [
            (row.verifier, row.outcome, row.reason) for row in self.rows if isinstance(row, Verdict)
        ]

    @property
    def drop(self) -> Drop:
        (row,) = self.rows
        assert isinstance(row, Drop)
        return row


def item(**fields) -> Item:
    values = {"item_id": "item-1", "kind": "problem", "text": "6 + 7 = ?", "reference": "13"}
    return Item(**{**values, "source": "sums", **fields})


def step(**fields) -> Item:
    return item(
        **{"kind": "step", "text": "Go to the ball.", "reference": "turn left 15 degrees", **fields}
    )


def annotate(teacher: Scripted, asked: Item | None = None, storage=None, **knobs) -> Ended:
    recipe = Annotate(**knobs)
    lane = lane_of("run-1", recipe, teacher.identity)
    name = trace_id("item-1", lane.recipe_fingerprint, lane.teacher_fingerprint, 0)
    kit = Kit(teacher, lane, "item-1", 0, name, storage=storage)
    try:
        rows = asyncio.run(recipe(asked or item(), kit))
    except TeacherError:
        rows = kit.kept  # as the engine loop has it
        if not rows:
            raise
    settling = [row for row in rows if not isinstance(row, Verdict) and row.trace_id == name]
    assert len(settling) == 1
    assert {row.trace_id for row in rows} <= {kit.attempt_id(n) for n in range(recipe.attempts)}
    return Ended(list(rows), kit)


def test_annotate_when_all_agrees_then_one_trace_with_three_good_verdicts():
    ended = annotate(Said(GOOD, BLIND))
    (trace,) = ended.traces
    assert [(s.kind, s.trainable) for s in trace.segments] == [
        ("prompt", False),
        ("think", True),
        ("answer", True),
    ]
    assert [s.text for s in trace.segments[1:]] == [REASONING, "Answer: 13"]
    assert (trace.answer, trace.finish_reason, trace.provenance.requests) == ("13", "stop", 2)
    assert trace.meta == {
        "claim": "explains",
        "given": "question",
        "gold": "13",
        "attempt": "0",
        "blind_answer": "13",
        "thought_end": "none",
        "reasoning_format": "think",
    }
    assert [(name, outcome) for name, outcome, _ in ended.verdicts] == [
        ("conclusion@2", "correct"),
        ("leak@2", "correct"),
        ("blind@3", "correct"),
    ]


def test_annotate_when_token_ids_are_told_then_segments_are_all_that_was_read_and_written():
    teacher = Said(GOOD, BLIND)
    (trace,) = annotate(teacher).traces
    ids = [id_ for segment in trace.segments for id_ in segment.token_ids]
    rendered = teacher.tokens.render(teacher.asked[0])
    assert ids == [*rendered, *GOOD.encode(), END]
    assert bytes(trace.segments[1].token_ids).decode() == REASONING


def test_annotate_when_the_teacher_thinks_first_then_the_thought_is_kept_without_loss():
    reply = f"<think>\nIt says 13. So be it.\n</think>\n\n{GOOD}"
    teacher = Said(reply, f"<think>hm</think>{BLIND}")
    ended = annotate(teacher)
    (trace,) = ended.traces
    private, reasoning = trace.segments[1:3]
    assert (private.kind, private.trainable) == ("think", False)
    assert "So be it." in private.text
    assert (reasoning.text.strip(), reasoning.trainable) == (REASONING.strip(), True)
    ids = [id_ for segment in trace.segments[1:] for id_ in segment.token_ids]
    assert ids == [*reply.encode(), END]
    assert [outcome for _, outcome, _ in ended.verdicts] == ["correct"] * 3
    shown = teacher.asked[1][0]["content"]
    assert REASONING.strip() in shown
    assert "So be it" not in shown


class Untold(Said):
    """An endpoint that tells no token ids and splits the thought off by itself."""

    async def chat(self, messages, sampling, *, seed) -> Completion:
        said = await super().chat(messages, sampling, seed=seed)
        return replace(said, token_ids=(), prompt_ids=(), reasoning="I was told 13.")


def test_annotate_when_no_token_ids_are_told_then_texts_are_parted_all_the_same():
    (trace,) = annotate(Untold(GOOD, BLIND)).traces
    assert [s.text for s in trace.segments[1:]] == ["I was told 13.", REASONING, "Answer: 13"]
    assert [s.trainable for s in trace.segments[1:]] == [False, True, True]
    assert all(s.token_ids == () for s in trace.segments)


def test_blind_when_asked_then_it_sees_the_reasoning_alone_without_item_gold_and_last_line():
    teacher = Said("One more step is due.\nAnswer: 13", BLIND)
    annotate(teacher, sampling=Sampling(temperature=0.7, top_p=0.9, max_tokens=50))
    first, second = (asked[0]["content"] for asked in teacher.asked)
    assert "13" in first
    assert "13" not in second
    assert "6 + 7 = ?" not in second
    assert "One more step is due." in second
    assert teacher.sampled[1].temperature == 0
    assert teacher.sampled[1].top_p == 0.9


@pytest.mark.parametrize(
    ("blind", "outcome", "reason"),
    [
        ("Answer: 13", "correct", "consistent"),
        ("**Answer:** 13.0", "correct", "consistent"),
        ("13", "correct", "consistent"),
        ("Answer: 14", "incorrect", "inconsistent"),
        ("", "incorrect", "no_conclusion"),
        ("I can't\ntell.", "incorrect", "no_conclusion"),
    ],
)
def test_blind_when_it_arrives_somewhere_then_the_verdict_says_so(blind, outcome, reason):
    ended = annotate(Said(GOOD, blind), attempts=1)
    assert ("blind@3", outcome, reason) in ended.verdicts


def test_blind_when_switched_off_then_there_is_no_such_verdict():
    ended = annotate(Said(GOOD), blind=False)
    assert [name for name, *_ in ended.verdicts] == ["conclusion@2", "leak@2"]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (f"{REASONING}Answer: 14", ("conclusion@2", "incorrect")),
        (f"{REASONING}So it is.", ("conclusion@2", "incorrect")),
        (f"The given answer is 13. {GOOD}", ("leak@2", "incorrect")),
    ],
)
def test_annotate_when_an_attempt_fails_then_it_is_kept_with_its_verdict_and_tried_again(
    reply, verdict
):
    ended = annotate(Said(reply, BLIND, GOOD, BLIND))
    first, second = ended.traces
    failed = [
        (row.verifier, row.outcome)
        for row in ended.rows
        if isinstance(row, Verdict) and row.trace_id == first.trace_id
    ]
    assert verdict in failed
    assert second.parent_trace_id == first.trace_id
    assert second.trace_id == ended.kit.attempt_id(1) != first.trace_id
    assert (first.meta["attempt"], second.meta["attempt"]) == ("0", "1")
    assert first.item_id == second.item_id
    assert first.draw == second.draw
    assert (first.provenance.requests, second.provenance.requests) == (2, 2)


def test_annotate_when_a_later_request_fails_then_the_attempts_before_it_are_kept():
    ended = annotate(Said(GOOD, "Answer: 9", PromptTooLong("2,100 of 2,048 tokens")))
    (trace,) = ended.traces
    assert trace.trace_id == ended.kit.trace_id
    with pytest.raises(PromptTooLong):
        annotate(Said(PromptTooLong("2,100 of 2,048 tokens")))


def test_annotate_when_the_reasoning_repeats_the_conclusion_then_the_blind_reader_does_not_see_it():
    said = Said(f"Six and seven.\nSo it is 13.\nAnswer: 13\n\n{GOOD}", BLIND)
    annotate(said)
    assert "Answer: 13" not in str(said.asked[1])


def test_annotate_when_the_blind_reply_is_cut_off_then_it_has_no_opinion():
    ended = annotate(Said(GOOD, "It is 1…"), attempts=1)
    assert ("blind@3", "undecided", "cut_off") in ended.verdicts


def test_leak_when_it_follows_the_conclusion_then_it_is_found():
    ended = annotate(
        Said(f"{GOOD}\nThat is what I wrote since I was told the answer.", BLIND), attempts=1
    )
    assert ("leak@2", "incorrect", "leak") in ended.verdicts


def test_annotate_when_an_answer_can_t_be_told_right_or_wrong_then_it_stays_undecided_and_is_kept():
    ended = annotate(Said(GOOD, "Answer: a baker's dozen"))
    assert len(ended.traces) == 1
    assert ("blind@3", "undecided") in {(name, outcome) for name, outcome, _ in ended.verdicts}


def test_annotate_when_every_attempt_is_inconsistent_then_all_are_kept():
    ended = annotate(Said(*[GOOD, "Answer: 9"] * 3))
    assert len(ended.traces) == 3
    assert [v for v in ended.verdicts if v[0] == "blind@3"] == [
        ("blind@3", "incorrect", "inconsistent")
    ] * 3


def test_annotate_when_an_attempt_is_cut_off_then_it_is_no_trace_and_the_next_is_the_first():
    ended = annotate(Said("Six and…", GOOD, BLIND))
    (trace,) = ended.traces
    assert trace.trace_id == ended.kit.trace_id
    assert trace.provenance.requests == 3


@pytest.mark.parametrize(
    ("reply", "reason"),
    [("", "empty"), ("Answer: 13", "no_reasoning"), ("Six and…", "length"), (" \n ", "empty")],
)
def test_annotate_when_no_attempt_holds_a_reasoning_then_a_drop_with_a_reason(reply, reason):
    drop = annotate(Said(reply, reply), attempts=2).drop
    assert (drop.reason, drop.stage) == (reason, "recipe")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (item(reference=None), "no_gold"),
        (item(reference="  "), "no_gold"),
        (item(choices=("12", "14")), "gold_no_option"),
        (item(choices=tuple(map(str, range(30)))), "too_many_options"),
        (step(reference="fly"), "unknown_action"),
        (step(reference="turn left 20 degrees"), "outside_grammar"),
        (step(reference=""), "no_gold"),
    ],
)
def test_annotate_when_the_gold_will_not_do_then_a_drop_before_anything_is_asked(asked, reason):
    teacher = Said()
    drop = annotate(teacher, asked).drop
    assert drop.reason == reason
    assert drop.detail
    assert teacher.asked == []


@pytest.mark.parametrize("gold", ["13", "B", "(b)", "B. 13"])
def test_choice_when_given_by_letter_or_text_then_the_teacher_is_told_the_letter(gold):
    teacher = Said("A is too small.\nB fits.\nAnswer: b", "Answer: B. 13")
    ended = annotate(teacher, item(reference=gold, choices=("12", "13", "14")))
    prompt = teacher.asked[0][0]["content"]
    assert "A. 12\nB. 13\nC. 14" in prompt
    assert "the right option is B." in prompt
    assert "A. 12\nB. 13\nC. 14" not in teacher.asked[1][0]["content"]
    assert ended.traces[0].answer == "B"
    assert [outcome for _, outcome, _ in ended.verdicts] == ["correct"] * 3


def test_choice_when_options_carry_their_letters_then_each_has_one():
    teacher = Said(GOOD, "Answer: B")
    annotate(teacher, item(reference="B", choices=("A) 12", "B) 13")), attempts=1)
    assert "A. 12\nB. 13\n" in teacher.asked[0][0]["content"]


def test_step_when_frames_are_in_the_lake_then_they_come_first_and_in_order(tmp_path):
    storage = Storage(str(tmp_path))
    store(storage, [EARLIER, FRAME])
    frames = (EARLIER.row.image_id, FRAME.row.image_id)
    teacher = Said("The ball is to the left.\nAnswer: TURN_LEFT 15", "Answer: turn left by 15°")
    ended = annotate(teacher, step(images=frames), storage)
    content = teacher.asked[0][0]["content"]
    assert [part["type"] for part in content] == ["image_url", "image_url", "text"]
    assert content[0]["image_url"]["url"] == "data:image/jpeg;base64,ZWFybGllciBmcmFtZQ=="
    assert "1 earlier views" in content[2]["text"]
    assert "the next action is turn left 15 degrees." in content[2]["text"]
    blind = teacher.asked[1][0]["content"]
    assert isinstance(blind, str)
    assert "turn right 45 degrees, stop" in blind
    assert ended.traces[0].answer == "turn left 15 degrees"
    assert [outcome for _, outcome, _ in ended.verdicts] == ["correct"] * 3


def test_step_when_the_second_pass_may_see_then_it_is_shown_the_frames(tmp_path):
    store(Storage(str(tmp_path)), [FRAME])
    teacher = Said("The gap in the wall is to the left.\nAnswer: left", "Answer: left")
    annotate(teacher, step(images=(FRAME.row.image_id,)), Storage(str(tmp_path)), blind_images=True)
    assert [part["type"] for part in teacher.asked[1][0]["content"]] == ["image_url", "text"]


@pytest.mark.parametrize(
    ("blind", "outcome", "reason"),
    [
        ("Answer: turn right 15 degrees", "incorrect", "inconsistent"),
        ("Answer: turn left 15 degrees or stop", "incorrect", "several_actions"),
        ("Answer: dance", "incorrect", "unknown_action"),
    ],
)
def test_step_when_the_second_pass_says_another_action_then_the_verdict_says_so(
    blind, outcome, reason
):
    ended = annotate(
        Said("The gap in the wall is to the left.\nAnswer: left", blind), step(), attempts=1
    )
    assert ("blind@3", outcome, reason) in ended.verdicts


def test_step_when_a_frame_is_not_in_the_lake_then_a_drop(tmp_path):
    drop = annotate(Said(), step(images=("ab" * 16,)), Storage(str(tmp_path))).drop
    assert (drop.reason, drop.stage) == ("missing_image", "prompt")
    assert annotate(Said(), step(images=("ab" * 16,))).drop.reason == "missing_image"


def test_prompt_when_the_item_holds_braces_then_they_stay():
    teacher = Said(GOOD, BLIND)
    annotate(teacher, item(text="What is {answer} in {problem}?"))
    assert teacher.asked[0][0]["content"].startswith("What is {answer} in {problem}?")


def test_fingerprint_when_a_knob_changes_then_it_is_another():
    knobs = [
        {},
        {"attempts": 1},
        {"leaks": ["told"]},
        {"blind_images": True},
        {"actions": {"stop": False}},
    ]
    assert len({Annotate(**k).fingerprint for k in knobs}) == len(knobs)
    assert Annotate().fingerprint == content_hash(
        "recipe", Annotate.version, Annotate().model_dump(mode="json")
    )


def test_leaks_when_a_pattern_is_broken_then_the_config_is_refused():
    with pytest.raises(ValidationError, match="no regular expression"):
        Annotate(leaks=("(",))

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.rows import Drop, Item, Trace
from thoughtmill.schemas.teachers import Sampling, ScriptedTeacher
from thoughtmill.tasks.recipes import Solve
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.thought import parted
from thoughtmill.tasks.synthesis.worker import lane_of
from thoughtmill.tasks.teachers import start
from thoughtmill.tasks.teachers.formats import FORMATS
from thoughtmill.tasks.teachers.protocol import Completion
from thoughtmill.tasks.teachers.scripted import END, ByteTokens, Scripted
from thoughtmill.tasks.verifiers import Cascade, Claim, Workers, settled

THOUGHT = "Six and seven are thirteen."
REPLY = "There are thirteen jars. \\boxed{13}"
WHOLE = f"<think>\n{THOUGHT}\n</think>\n\n{REPLY}"


def item(**fields) -> Item:
    values = {"item_id": "item-1", "kind": "problem", "text": "6 + 7 = ?", "reference": "13"}
    return Item(**{**values, "source": "sums", **fields})


def solve(teacher: Scripted | str, problem: Item | None = None, **knobs) -> Trace | Drop:
    """What one draw gives; a text stands for a teacher that replies it."""
    if isinstance(teacher, str):
        teacher = start(ScriptedTeacher(replies=(teacher,)))
    recipe = Solve(**knobs)
    lane = lane_of("run-1", recipe, teacher.identity)
    name = trace_id("item-1", lane.recipe_fingerprint, lane.teacher_fingerprint, 0)
    kit = Kit(teacher, lane, "item-1", 0, name)
    (row,) = asyncio.run(recipe(problem or item(), kit))
    assert row.trace_id == name
    return row


def texts(trace: Trace) -> list[tuple[str, str]]:
    return [(segment.kind, segment.text) for segment in trace.segments]


def test_solve_when_the_teacher_thinks_then_thought_reply_and_answer_are_parted():
    trace = solve(WHOLE)
    prompt = Solve().prompt.replace("{problem}", "6 + 7 = ?")
    assert texts(trace) == [("prompt", prompt), ("think", THOUGHT), ("answer", REPLY)]
    assert [segment.trainable for segment in trace.segments] == [False, True, True]
    assert (trace.answer, trace.finish_reason) == ("13", "stop")


def test_solve_when_it_keeps_token_ids_then_they_are_all_that_was_read_and_written_in_order():
    teacher = start(ScriptedTeacher(replies=(WHOLE,)))
    asked, thought, reply = solve(teacher).segments
    assert list(asked.token_ids) == teacher.tokens.render([{"role": "user", "content": asked.text}])
    assert thought.token_ids + reply.token_ids == (*WHOLE.encode(), END)
    assert bytes(thought.token_ids).endswith(b"</think>")


def test_solve_when_the_teacher_does_not_think_then_there_is_no_thought():
    trace = solve(REPLY)
    assert [kind for kind, _ in texts(trace)] == ["prompt", "answer"]
    assert trace.segments[1].token_ids == (*REPLY.encode(), END)
    assert trace.answer == "13"


@pytest.mark.parametrize(
    ("reply", "knobs", "reason"),
    [
        (WHOLE, {"sampling": Sampling(max_tokens=20)}, "length"),
        ("", {}, "empty"),
        ("<think>\n\n</think>\n\n", {}, "empty"),
    ],
)
def test_solve_when_nothing_whole_was_written_then_it_is_dropped_with_a_reason(
    reply, knobs, reason
):
    row = solve(reply, **knobs)
    assert isinstance(row, Drop)
    assert (row.reason, row.stage) == (reason, "recipe")
    assert row.completion_tokens > 0


@pytest.mark.parametrize("reply", [f"<think>\n{THOUGHT}", f"<think>{THOUGHT}</think>"])
def test_solve_when_there_is_a_thought_and_no_reply_then_it_is_a_trace_without_an_answer(reply):
    trace = solve(reply)
    assert trace.answer is None
    assert texts(trace)[1] == ("think", THOUGHT)
    with Workers(1) as workers:
        (verdicts,) = Cascade().local([Claim.of(item(), trace)], workers)
    assert settled(verdicts).outcome == "incorrect"


class Opened(Scripted):
    """A teacher whose template opens the thought, as R1's does."""

    async def chat(self, messages, sampling, *, seed) -> Completion:
        prompt = [*self.tokens.render(messages), *b"<think>\n"]
        return await self.extend(prompt, sampling, seed=seed)


def test_solve_when_the_template_opens_the_thought_then_it_ends_at_its_tag():
    config = ScriptedTeacher(replies=(WHOLE,))
    assert texts(solve(Opened(config)))[1:] == [("think", THOUGHT), ("answer", REPLY)]


def test_solve_when_a_thought_the_template_opened_never_ends_then_nothing_is_its_reply():
    config = ScriptedTeacher(replies=(f"<think>\n{THOUGHT} So it must be 13.",))
    trace = solve(Opened(config))
    assert texts(trace)[1:] == [("think", f"{THOUGHT} So it must be 13.")]
    assert trace.answer is None


class Parsed:
    """An endpoint with a reasoning parser; it names no tokenizer."""

    def __init__(self, config: ScriptedTeacher) -> None:
        self._inside = start(config)
        self.identity = self._inside.identity
        self.format = self._inside.format

    @property
    def tokens(self):
        raise ConfigError("no tokenizer")

    async def chat(self, messages, sampling, *, seed) -> Completion:
        written = await self._inside.chat(messages, sampling, seed=seed)
        thought, _, reply = written.text.partition("</think>")
        thought = thought.removeprefix("<think>")
        return replace(written, text=reply, reasoning=thought, token_ids=(), prompt_ids=())


def test_solve_when_an_endpoint_hands_the_thought_over_by_itself_then_the_same_segments_come():
    trace = solve(Parsed(ScriptedTeacher(replies=(WHOLE,))))
    assert texts(trace) == texts(solve(WHOLE))
    assert trace.answer == "13"
    assert all(segment.token_ids == () for segment in trace.segments)


def test_solve_when_the_item_has_options_then_they_are_listed():
    trace = solve("\\boxed{B}", item(choices=("12", "13"), reference="B"))
    assert "6 + 7 = ?\n\nA. 12\nB. 13\n\n" in trace.segments[0].text
    assert trace.answer == "B"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("So $x = 5$.\n\nThe answer is 1/2, since it halves.", "1/2"),
        ("It is \\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("<answer>Paris</answer>", "Paris"),
        ("We count 4 and 5, which makes 9 in all", "We count 4 and 5, which makes 9 in all"),
        ("Nothing is asked here, so I have nothing to say", None),
    ],
)
def test_solve_when_a_reply_marks_its_answer_then_that_is_taken_else_the_whole_reply(reply, answer):
    assert solve(reply).answer == (answer or reply)


@pytest.mark.parametrize("key", ["tests", "constraints"])
def test_solve_when_the_whole_reply_is_judged_then_it_is_the_answer(key):
    assert solve(REPLY, item(meta={key: "[]"})).answer == REPLY


class Merging(ByteTokens):
    """One token for `>` and the newlines after it, as many BPEs have."""

    def encode(self, text: str) -> list[int]:
        return list(text.replace(">\n\n", "\x01").encode())

    def decode(self, token_ids) -> str:
        return super().decode(token_ids).replace("\x01", ">\n\n")


def test_parted_when_a_token_holds_the_end_of_the_tag_and_more_then_it_counts_as_thought():
    ids = tuple(Merging().encode(WHOLE))
    said = Completion(WHOLE, "stop", 0, len(ids), (), ids)
    thought, reply, *_ = parted(said, Merging(), FORMATS["think"])
    assert (thought.text, reply.text) == (THOUGHT, REPLY)
    assert thought.token_ids + reply.token_ids == ids
    assert thought.token_ids[-1] == 1


class Special(ByteTokens):
    """The closing tag is a special token, which decoding leaves out."""

    def encode(self, text: str) -> list[int]:
        return [300] if text == "</think>" else super().encode(text)


def test_parted_when_the_tag_is_a_special_token_then_its_id_parts_the_text():
    ids = (*THOUGHT.encode(), 300, *REPLY.encode())
    said = Completion(THOUGHT + REPLY, "stop", 0, len(ids), (), ids)
    thought, reply, *_ = parted(said, Special(), FORMATS["think"])
    assert (thought.text, reply.text) == (THOUGHT, REPLY)
    assert thought.token_ids == ids[: len(THOUGHT) + 1]


def test_parted_when_reply_and_thought_come_apart_and_no_tag_is_in_the_ids_then_there_are_no_ids():
    said = Completion("13", "stop", 0, 2, (), (1, 2), reasoning=THOUGHT)
    thought, reply, *_ = parted(said, ByteTokens(), FORMATS["think"])
    assert (thought.text, reply.text) == (THOUGHT, "13")
    assert thought.token_ids == reply.token_ids == ()

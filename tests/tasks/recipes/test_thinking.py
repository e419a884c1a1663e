from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.rows import Drop, Item, Trace
from thoughtmill.schemas.teachers import Sampling, ScriptedTeacher
from thoughtmill.tasks.recipes import Thinking
from thoughtmill.tasks.recipes.context import Kit, Lane
from thoughtmill.tasks.teachers import start
from thoughtmill.tasks.teachers.protocol import Completion
from thoughtmill.tasks.teachers.scripted import END, Scripted

THOUGHT = "\nThe lock rises because water flows in from above.\n"
DOCUMENT = "A lock lifts boats from one reach of a canal to the next, é and 🚢 included. " * 4


def item(text: str = DOCUMENT) -> Item:
    return Item(item_id="item-1", kind="document", text=text, source="canals")


def kit_of(recipe: Thinking, teacher: Scripted, draw: int = 0) -> Kit:
    who = teacher.identity
    lane = Lane(
        run_id="run-1",
        recipe=recipe.kind,
        recipe_fingerprint=recipe.fingerprint,
        teacher=who.name,
        teacher_revision=who.revision,
        teacher_fingerprint=who.fingerprint(recipe.sampling),
        sampling=recipe.sampling.merged(who.defaults),
        claim=recipe.claim,
    )
    name = trace_id("item-1", lane.recipe_fingerprint, lane.teacher_fingerprint, draw)
    return Kit(teacher, lane, "item-1", draw, name)


def think(reply: str, text: str = DOCUMENT, *, draw: int = 0, **knobs) -> Trace | Drop:
    """What one draw gives when the teacher's reply is `reply`."""
    return ended(start(ScriptedTeacher(replies=(reply,))), text, draw=draw, **knobs)


def ended(teacher: Scripted, text: str = DOCUMENT, *, draw: int = 0, **knobs) -> Trace | Drop:
    recipe = Thinking(**knobs)
    kit = kit_of(recipe, teacher, draw)
    (row,) = asyncio.run(recipe(item(text), kit))
    assert row.trace_id == kit.trace_id
    assert (row.item_id, row.draw) == ("item-1", draw)
    return row


def test_thinking_when_the_teacher_thinks_then_the_trace_holds_prompt_and_thought():
    trace = think(f"{THOUGHT}</think>The answer that nobody asked for.")
    asked, thought = trace.segments
    assert (asked.kind, asked.trainable) == ("prompt", False)
    assert asked.text == Thinking().prompt.replace("{document}", DOCUMENT)
    assert (thought.kind, thought.trainable, thought.text) == ("think", True, THOUGHT)
    assert (trace.finish_reason, trace.answer) == ("stop", None)
    assert trace.meta == {
        "claim": "muses",
        "document_chars": str(len(DOCUMENT)),
        "thought_end": "tag",
        "reasoning_format": "think",
    }


def test_thinking_when_token_ids_are_told_then_segments_concatenate_to_what_was_seen_and_written():
    teacher = start(ScriptedTeacher(replies=(f"{THOUGHT}</think>",)))
    trace = ended(teacher)
    asked, thought = trace.segments
    rendered = teacher.tokens.render([{"role": "user", "content": asked.text}])
    assert asked.token_ids + thought.token_ids == (*rendered, *THOUGHT.encode())
    assert teacher.tokens.decode(thought.token_ids) == thought.text


def test_thinking_when_done_then_provenance_tells_who_how_and_what_it_cost():
    trace = think(f"{THOUGHT}</think>", sampling=Sampling(temperature=0.3, stop=("STOP",)))
    said = trace.provenance
    assert (said.run_id, said.recipe, said.teacher) == ("run-1", "thinking", "scripted")
    assert said.requests == 1
    assert said.prompt_tokens == len(trace.segments[0].token_ids)
    assert said.completion_tokens == len(f"{THOUGHT}</think>".encode())
    assert said.sampling == '{"temperature":0.3,"stop":["STOP"]}'
    assert said.seconds >= 0


@pytest.mark.parametrize(
    ("reply", "knobs", "reason"),
    [
        ("</think>", {}, "empty"),
        (" \n\n </think>", {}, "empty"),
        ("<think>\n</think>", {}, "empty"),
        ("Too few.</think>", {}, "too_short"),
        ("Just right, ok.</think>", {}, "too_short"),
        (THOUGHT * 9, {"sampling": Sampling(max_tokens=100)}, "length"),
    ],
)
def test_thinking_when_there_is_no_whole_thought_then_it_is_dropped_with_a_reason(
    reply, knobs, reason
):
    row = think(reply, **knobs)
    assert isinstance(row, Drop)
    assert (row.reason, row.stage) == (reason, "recipe")
    assert row.detail
    assert row.completion_tokens > 0
    assert row.recipe_fingerprint == Thinking(**knobs).fingerprint


def test_thinking_when_a_thought_has_just_enough_tokens_then_it_is_kept():
    assert isinstance(think("Just right, okay</think>"), Trace)
    assert isinstance(think("No.</think>", min_thinking_tokens=0), Trace)


def test_thinking_when_the_teacher_opens_the_tag_itself_then_the_tag_is_not_in_the_thought():
    trace = think(f"<think>{THOUGHT}</think>")
    thought = trace.segments[1]
    assert thought.text == THOUGHT
    assert bytes(thought.token_ids) == THOUGHT.encode()


def test_thinking_when_tags_are_others_then_those_are_cut_off():
    reply = f" [THINK]{THOUGHT}[/THINK]</think>"
    trace = ended(start(ScriptedTeacher(replies=(reply,), reasoning_format="mistral")))
    assert trace.segments[1].text == THOUGHT


def test_thinking_when_the_teacher_ends_without_closing_then_what_it_wrote_is_the_thought():
    trace = think(f"<think>{THOUGHT}")
    assert trace.segments[1].text == THOUGHT
    assert trace.meta["thought_end"] == "turn"


def test_thinking_when_the_teacher_neither_opens_nor_closes_a_thought_then_that_is_the_reason():
    row = think(THOUGHT)
    assert isinstance(row, Drop)
    assert row.reason == "no_thought"


def test_thinking_when_the_teacher_ends_without_closing_then_the_end_token_is_no_thought():
    trace = think(f"<think>{THOUGHT}")
    assert END not in trace.segments[1].token_ids


class Parsed(Scripted):
    """An endpoint whose reasoning parser hands the thought over by itself, without token ids."""

    async def chat(self, messages, sampling, *, seed) -> Completion:
        written = await super().chat(messages, sampling, seed=seed)
        return replace(written, text="", reasoning=written.text, token_ids=(), prompt_ids=())


def test_thinking_when_reasoning_comes_separately_then_it_is_the_thought():
    config = ScriptedTeacher(replies=(f"{THOUGHT}</think>",))
    trace = ended(Parsed(config))
    assert trace.segments[1].text == THOUGHT.strip("\n")
    assert trace.segments[1].token_ids == ()
    short = ended(Parsed(ScriptedTeacher(replies=("No.</think>",))))
    assert short.reason == "too_short"


def test_thinking_when_the_document_is_long_then_whole_characters_up_to_the_limit_are_shown():
    text = "é" * 100
    trace = think(f"{THOUGHT}</think>", text, document_tokens=33)
    assert trace.meta["document_chars"] == "16"
    assert trace.segments[0].text.startswith("é" * 16 + "\n\n[end of text]")


@pytest.mark.parametrize("text", [DOCUMENT, "x", ""])
def test_thinking_when_the_document_is_short_then_all_of_it_is_shown(text):
    trace = think(f"{THOUGHT}</think>", text)
    assert trace.meta["document_chars"] == str(len(text))
    assert trace.segments[0].text.startswith(f"{text}\n\n[end of text]")


def test_thinking_when_the_document_looks_like_a_template_then_it_is_shown_as_it_is():
    text = "Write {document} or {marker} or {prompt} in braces."
    shown = think(f"{THOUGHT}</think>", text).segments[0].text
    assert shown.startswith(f"{text}\n\n[end of text]")
    focus = think(f"{THOUGHT}</think>", text, variant="focus", marker="@@")
    before, after = focus.segments[0].text.split("\n\n[end of text]")[0].split("@@")
    assert before + after == text


def test_focus_when_drawn_then_the_mark_is_at_a_place_of_its_own_and_the_prompt_names_it():
    rows = [think(f"{THOUGHT}</think>", variant="focus", draw=n) for n in range(20)]
    places = set()
    for row in rows:
        at = int(row.meta["focus_char"])
        places.add(at)
        prompt = row.segments[0].text
        assert prompt.startswith(f"{DOCUMENT[:at]}[reader is here]{DOCUMENT[at:]}\n\n")
        assert "the mark [reader is here] shows the place" in prompt
        assert row.meta["document_chars"] == str(len(DOCUMENT))
    assert len(places) > 15
    again = [think(f"{THOUGHT}</think>", variant="focus", draw=n) for n in range(20)]
    assert [row.meta for row in again] == [row.meta for row in rows]


def test_focus_when_the_document_is_empty_then_the_mark_is_all_there_is():
    row = think(f"{THOUGHT}</think>", "", variant="focus")
    assert row.segments[0].text.startswith("[reader is here]\n\n")


def test_fingerprint_when_any_knob_changes_then_it_is_another():
    knobs = [
        {},
        {"variant": "focus"},
        {"prompt": "Think: {document}"},
        {"document_tokens": 100},
        {"min_thinking_tokens": 1},
        {"sampling": {"temperature": 0.1}},
    ]
    assert len({Thinking(**k).fingerprint for k in knobs}) == len(knobs)
    assert Thinking(variant="document").fingerprint == Thinking().fingerprint


def test_prompt_when_it_is_in_a_file_then_its_text_is_what_counts(tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_text("Think about this: {document}\n")
    by_file = Thinking(prompt=f"@{file}")
    assert by_file.fingerprint == Thinking(prompt="Think about this: {document}").fingerprint

from __future__ import annotations

import orjson
import pyarrow as pa
import pytest

from tests.dialogues import PROBLEM, Desk, played
from tests.lakes import trace as thought
from thoughtmill.schemas.fences import blocks, output_of
from thoughtmill.tasks.recipes import CodeIntegrated
from thoughtmill.tasks.teachers.scripted import ByteTokens
from thoughtmill.warehouse.layouts.fenced_text import FencedText
from thoughtmill.warehouse.layouts.tokens import Tokens
from thoughtmill.warehouse.layouts.tool_calls import ToolCalls

BY_HAND = "12*34: 2*4=8, 2*3=6, 1*4=4, 1*3=3, 340+68: 0+8=8, 4+6=10, 3+1=4, so 12*34=408.\n"
TRACES = {
    "plain": played(
        "The product.\n```python\nx = 12 * 34\nx\n```\n",
        "And again.\n```python\nprint('```')\n```\n",
        "So it is 408.\n</think>\n\nThe answer is \\boxed{408}.",
        desk=Desk(("408", "a\nb\n\nc")),
        mode="plain",
    ),
    "hinted": played(
        f"The product is needed. {BY_HAND}",
        "12 * 34\n```\n",
        "Let me check that by hand.\n",
        "So it is 408.\n</think>\n\nThe answer is \\boxed{408}.",
    ),
    "prompt hint": played("```python\n1\n```\n", "</think>408", mode="prompt_hint"),
    "no code": played("I know it.\n</think>\n408", mode="plain"),
}
ALL = pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES.keys())


def row(layout, trace):
    (made,) = layout.rows(trace, PROBLEM)
    table = pa.Table.from_pylist([made], schema=layout.schema)
    assert table.to_pylist()[0].keys() == layout.fields.keys() == made.keys()
    return made


@ALL
def test_layouts_when_one_trace_is_laid_out_three_ways_then_they_tell_the_same(trace):
    fenced = row(FencedText(), trace)
    ids = row(Tokens(), trace)
    calls = row(ToolCalls(), trace)
    assert fenced["answer"] == ids["answer"] == calls["answer"] == "408"

    user, *said = calls["messages"]
    rendered = ByteTokens().render([{"role": "user", "content": user["content"]}])
    written = [*rendered, *ByteTokens().encode(fenced["completion"]), 256]
    assert ids["input_ids"] == written
    assert user["content"] == fenced["prompt"]

    made = [
        orjson.loads(c["function"]["arguments"])["code"]
        for m in said
        for c in m["tool_calls"] or ()
    ]
    assert made == [b.code for b in blocks(fenced["completion"]) if b.runs]
    shown = [
        output_of(ByteTokens().decode(ids["input_ids"][s["start"] : s["end"]]))
        for s in ids["segments"]
        if s["kind"] == "output"
    ]
    assert [m["content"] for m in said if m["role"] == "tool"] == shown
    assert said[-1]["content"] in fenced["completion"]
    for message in said:
        if message["role"] == "assistant":
            assert message["reasoning_content"] in fenced["completion"]


@ALL
def test_tokens_when_a_trace_is_laid_out_then_the_mask_is_on_what_the_teacher_wrote(trace):
    made = row(Tokens(), trace)
    assert len(made["loss_mask"]) == len(made["input_ids"])
    at = 0
    for span, segment in zip(made["segments"], trace.segments, strict=True):
        assert (span["kind"], span["start"]) == (segment.kind, at)
        at = span["end"]
        loss = set(made["loss_mask"][span["start"] : at])
        assert loss == {int(segment.kind not in ("prompt", "output"))}
    assert at == len(made["input_ids"])


@pytest.mark.parametrize(
    ("recorded", "hints", "loss"),
    [(True, "recorded", 1), (False, "recorded", 0), (False, "trained", 1), (True, "masked", 0)],
)
def test_tokens_when_hints_are_asked_for_otherwise_then_their_loss_follows(recorded, hints, loss):
    drawn = played("</think>408", mode="prompt_hint", hints_trainable=recorded)
    made = row(Tokens(hints=hints), drawn)
    (span,) = [span for span in made["segments"] if span["kind"] == "hint"]
    assert set(made["loss_mask"][span["start"] : span["end"]]) == {loss}


def test_tokens_when_the_teacher_told_no_ids_then_there_is_no_row():
    drawn = TRACES["plain"]
    bare = tuple(s.model_copy(update={"token_ids": ()}) for s in drawn.segments)
    assert not list(Tokens().rows(drawn.model_copy(update={"segments": bare}), PROBLEM))


def test_tool_calls_when_a_hint_has_opened_the_block_then_no_fence_is_left_in_the_thought():
    user, first, result, last = row(ToolCalls(), TRACES["hinted"])["messages"]
    hints = CodeIntegrated()
    opening = hints.delayed_hint.removesuffix("\n```python")
    assert first["reasoning_content"] == f"The product is needed.\n{opening}"
    assert (user["role"], first["role"], result["role"], last["role"]) == (
        "user", "assistant", "tool", "assistant",
    )  # fmt: skip
    assert first["tool_calls"][0]["id"] == result["tool_call_id"] == "call_1"
    assert last["reasoning_content"] == f"{hints.distrust_hint}\nSo it is 408."
    assert (first["content"], last["content"]) == ("", "The answer is \\boxed{408}.")


def test_tool_calls_when_thoughts_go_into_the_content_then_the_answer_follows_them():
    *_, last = row(ToolCalls(thought="content", tool="run"), TRACES["plain"])["messages"]
    assert last["content"] == "So it is 408.\n\nThe answer is \\boxed{408}."
    assert last["reasoning_content"] is None


def test_tool_calls_when_rows_are_published_then_tools_describe_what_is_called():
    made = row(ToolCalls(tool="run"), TRACES["plain"])
    (tool,) = orjson.loads(made["tools"])
    called = {c["function"]["name"] for m in made["messages"] for c in m["tool_calls"] or ()}
    assert called == {tool["function"]["name"]} == {"run"}
    assert tool["function"]["parameters"]["required"] == ["code"]


def test_fenced_text_when_there_is_no_thought_segment_then_there_are_no_tags():
    drawn = TRACES["plain"]
    only = tuple(s for s in drawn.segments if s.kind in ("prompt", "answer"))
    made = row(FencedText(), drawn.model_copy(update={"segments": only}))
    assert made["completion"] == "\n\nThe answer is \\boxed{408}."


def test_layouts_when_a_trace_is_a_plain_thought_then_they_take_it_too():
    assert row(ToolCalls(), thought(0))["messages"][-1]["reasoning_content"].startswith("Thought")
    assert row(FencedText(), thought(0))["completion"].startswith("<think>\nThought")
    assert len(row(Tokens(), thought(0))["input_ids"]) == 23

from __future__ import annotations

import asyncio
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialogues import Desk, Player, draw, kit_of, parts, played
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.fences import code_at
from thoughtmill.schemas.rows import Drop, Trace
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.recipes import CodeIntegrated
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.interpreter import Limits, output_block
from thoughtmill.tasks.teachers.scripted import ByteTokens
from thoughtmill.tasks.teachers.tokens import HfTokens

BLOCK = "```python\n12 * 34\n```\n"
END = "So it is 408.\n</think>\n\nThe answer is \\boxed{408}."
BY_HAND = "12*34: 2*4=8, 2*3=6, 1*4=4, 1*3=3, 340+68: 0+8=8, 4+6=10, 3+1=4, so 12*34=408.\n"
DOUBT = "Let me check that by hand: 12*30=360.\n"
HINTS = CodeIntegrated()


def test_code_integrated_when_a_block_is_closed_then_its_output_follows_and_the_thought_goes_on():
    desk = Desk()
    trace = played(f"First the product.\n{BLOCK}", END, desk=desk, mode="plain")
    assert parts(trace) == [
        ("think", "First the product.\n"),
        ("code", BLOCK),
        ("output", "```output\n408\n```\n"),
        ("think", "So it is 408.\n"),
        ("answer", "\n\nThe answer is \\boxed{408}."),
    ]
    assert [s.trainable for s in trace.segments] == [False, True, True, False, True, True]
    assert (desk.ran, desk.sessions) == (["12 * 34"], 1)
    assert (trace.answer, trace.finish_reason) == ("408", "stop")
    assert (trace.meta["mode"], trace.meta["code_calls"]) == ("plain", "1")


def test_code_integrated_when_no_code_comes_then_no_session_is_opened():
    desk = Desk()
    trace = played(END, desk=desk, mode="plain")
    assert parts(trace)[0] == ("think", "So it is 408.\n")
    assert desk.sessions == 0


def test_code_integrated_when_the_template_opens_no_thought_then_the_recipe_does():
    teacher = Player((END,), ByteTokens(), eos=256)
    draw(CodeIntegrated(mode="plain"), teacher, Desk())
    assert bytes(teacher.requests[0][-8:]) == b"<think>\n"


def test_prompt_hint_when_asked_for_then_it_is_the_first_line_of_the_thought():
    trace = played(f"{BLOCK}", END, mode="prompt_hint", hints_trainable=False)
    assert parts(trace)[:2] == [("hint", f"{HINTS.start_hint}\n"), ("code", BLOCK)]
    assert [s.trainable for s in trace.segments if s.kind == "hint"] == [False]


@pytest.mark.parametrize("watch", [1, 7, 64, 1000])
def test_hint_engineered_when_it_computes_by_hand_then_the_passage_gives_way_to_python(watch):
    desk = Desk()
    turns = (f"The product is needed. {BY_HAND}", "12 * 34\n```\n", END)
    trace = played(*turns, desk=desk, watch_tokens=watch)
    assert parts(trace)[:4] == [
        ("think", "The product is needed."),
        ("hint", f"\n{HINTS.delayed_hint}\n"),
        ("code", "12 * 34\n```\n"),
        ("output", "```output\n408\n```\n"),
    ]
    assert desk.ran == ["12 * 34"]
    assert trace.meta["hints_delayed"] == "1"
    assert 0 < int(trace.meta["cut_tokens"]) <= len(BY_HAND) + watch


@pytest.mark.parametrize("watch", [1, 7, 64, 1000])
def test_hint_engineered_when_it_distrusts_an_output_then_a_hint_takes_the_place_of_doubt(watch):
    trace = played(BLOCK, f"Hm. {DOUBT}", END, watch_tokens=watch)
    assert parts(trace)[2:5] == [
        ("think", "Hm."),
        ("hint", f"\n{HINTS.distrust_hint}\n"),
        ("think", "So it is 408.\n"),
    ]
    assert trace.meta["hints_distrust"] == "1"


def test_hint_engineered_when_doubt_follows_at_once_then_the_hint_stands_behind_the_output():
    trace = played(BLOCK, DOUBT, END)
    assert [kind for kind, _ in parts(trace)] == [
        "code", "output", "hint", "think", "answer",
    ]  # fmt: skip
    assert parts(trace)[2][1] == f"{HINTS.distrust_hint}\n"


def test_hint_engineered_when_the_thought_ends_within_the_flagged_passage_then_it_is_opened_again():
    trace = played(f"{BY_HAND}</think>\n\n408", "12 * 34\n```\n", END)
    assert [kind for kind, _ in parts(trace)][:3] == ["hint", "code", "output"]
    assert trace.answer == "408"


def test_hint_engineered_when_hints_are_used_up_then_the_thought_is_left_alone():
    turns = (BY_HAND, "1\n```\n", BY_HAND, END)
    kinds = [kind for kind, _ in parts(played(*turns, max_hints=1))]
    assert kinds == ["hint", "code", "output", "think", "answer"]
    assert "hint" not in dict(parts(played(f"{BY_HAND}{END}", max_hints=0)))


@pytest.mark.parametrize("off", [{"delayed": None}, {"mode": "plain"}])
def test_hint_engineered_when_a_detector_is_off_then_it_gives_no_hint(off):
    assert parts(played(f"{BY_HAND}{END}", **off))[0][0] == "think"


def test_hint_engineered_when_code_computes_at_length_then_no_hint_is_given():
    code = f"```python\n# {BY_HAND}print(12*34)\n```\n"
    assert parts(played(code, END, watch_tokens=4))[0] == ("code", code)


@pytest.mark.parametrize(
    "prose",
    [
        "Call it with `print(1)`\n",
        "The fence ```python opens no block inside a line.\n",
        "   ```python\nis indented.\n",
        "```bash\nls\n```\n",
        "```\nplain\n```\n",
        'The text "```" closes nothing.\n',
    ],
)
def test_code_integrated_when_prose_only_looks_like_a_block_then_it_stays_text(prose):
    desk = Desk()
    trace = played(f"{prose}{END}", desk=desk, mode="plain")
    assert parts(trace)[0] == ("think", f"{prose}So it is 408.\n")
    assert desk.ran == []


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("```python\nprint('```')\n```\n", "print('```')"),
        ("```python\nx = '\\n```\\n'\n```\n", "x = '\\n```\\n'"),
        ("```py\nx\n```\n", "x"),
        ("```Python \nx\n```\n", "x"),
        ("```python\n```\n", ""),
        ("```python\n'''\n```python\n'''\n```\n", "'''\n```python\n'''"),
        ("```text\nnever closed\n```python\nx\n```\n", "x"),
    ],
)
def test_code_integrated_when_a_block_is_unusual_then_what_is_between_the_fences_is_run(
    block, code
):
    desk = Desk()
    trace = played(block, END, desk=desk, mode="plain")
    assert desk.ran == [code]
    places = [n for n, segment in enumerate(trace.segments) if segment.kind == "code"]
    assert [code_at(trace.segments, place) for place in places] == [code]


def test_code_integrated_when_more_is_written_behind_a_fence_then_it_is_cut_off():
    turns = ("```python\nx\n``` \nThe output will be 7.\n```bash\n```\n", END)
    trace = played(*turns, mode="plain")
    assert parts(trace)[:2] == [
        ("code", "```python\nx\n``` \n"),
        ("output", "```output\n408\n```\n"),
    ]


def test_code_integrated_when_the_turn_ends_right_behind_a_fence_then_the_output_begins_a_line():
    teacher = Player(("```python\nx\n```",), ByteTokens(), eos=256)
    recipe = CodeIntegrated(mode="plain", sampling=Sampling(max_tokens=40))
    row = draw(recipe, teacher, Desk())
    assert isinstance(row, Drop)
    seen = ByteTokens().decode(teacher.requests[1])
    assert seen.endswith("```python\nx\n```\n```output\n408\n```\n")


def test_code_integrated_when_the_answer_holds_a_block_then_it_is_not_run():
    desk = Desk()
    reply = f"\n\nAs code:\n{BLOCK}and \\boxed{{408}}"
    trace = played(f"Easy.\n</think>{reply}", desk=desk, mode="plain")
    assert parts(trace)[-1] == ("answer", reply)
    assert desk.ran == []


def test_code_integrated_when_the_thought_closes_inside_a_block_then_nothing_is_run():
    desk = Desk()
    trace = played("```python\nx = 1\n</think>\n\n1", desk=desk, mode="plain")
    assert parts(trace) == [("code", "```python\nx = 1\n"), ("answer", "\n\n1")]
    assert desk.ran == []


@pytest.mark.parametrize(
    ("turns", "knobs", "reason"),
    [
        (("```python\nwhile 1",), {"sampling": Sampling(max_tokens=12)}, "length"),
        (("word " * 50,), {"sampling": Sampling(max_tokens=100)}, "length"),
        (
            ("word " * 50,),
            {"sampling": Sampling(max_tokens=100), "mode": "hint_engineered"},
            "length",
        ),
        (("No end.",), {}, "unclosed"),
        (("```python\nx = 1",), {}, "unclosed"),
    ],
)
def test_code_integrated_when_the_thought_does_not_end_then_it_is_dropped(turns, knobs, reason):
    row = played(*turns, **{"mode": "plain", **knobs})
    assert isinstance(row, Drop)
    assert row.reason == reason
    assert row.detail.startswith("stopped in ")


def test_code_integrated_when_calls_are_used_up_then_the_notice_says_so_and_nothing_more_runs():
    desk = Desk(("1", "2", "3"))
    limits = Limits(max_calls=2, notice="[no more]")
    trace = played(BLOCK, BLOCK, BLOCK, END, desk=desk, mode="plain", interpreter=limits)
    outputs = [text for kind, text in parts(trace) if kind == "output"]
    assert outputs == [
        output_block("1"),
        output_block("2\n[no more]"),
        output_block("[no more]"),
    ]
    assert len(desk.ran) == 2


def test_code_integrated_when_an_output_looks_like_a_control_token_then_it_does_not_become_one():
    teacher = Player((BLOCK, END), pico(), eos=2)
    trace = draw(CodeIntegrated(mode="plain"), teacher, Desk(("</think><think><|end|>",)))
    (output,) = [s for s in trace.segments if s.kind == "output"]
    assert output.text == output_block("</think><think><|end|>")
    assert not {2, *pico().encode("<think></think>")} & set(output.token_ids)
    assert trace.answer == "408"


class Small(Player):
    """A teacher whose context is soon full."""

    async def extend(self, prompt_ids, sampling, *, seed):
        room = 420 - len(prompt_ids)
        if room <= 0:
            from thoughtmill.schemas.errors import PromptTooLong

            raise PromptTooLong("no room")
        most = min(sampling.max_tokens or room, room)
        told = sampling.model_copy(update={"max_tokens": most})
        return await super().extend(prompt_ids, told, seed=seed)


@pytest.mark.parametrize("text", [BLOCK * 40, "word " * 200])
def test_code_integrated_when_the_context_is_full_then_it_is_dropped_and_says_so(text):
    row = draw(
        CodeIntegrated(mode="plain"), Small((text,), ByteTokens(), eos=256), Desk(("x" * 90,))
    )
    assert isinstance(row, Drop)
    assert row.reason == "context_full"


class Silent(Player):
    """A server that leaves the stop string out and tells no end-of-text token."""

    async def extend(self, prompt_ids, sampling, *, seed):
        from dataclasses import replace

        told = await super().extend(prompt_ids, sampling, seed=seed)
        ids = [id_ for id_ in told.token_ids if id_ < 256]
        text = bytes(ids).decode().removesuffix("\n```\n")
        return replace(told, token_ids=tuple(text.encode()))


def test_code_integrated_when_a_server_leaves_out_the_stop_string_then_the_fence_is_put_back():
    desk = Desk()
    teacher = Silent((f"First.\n{BLOCK}", END), ByteTokens(), eos=256)
    trace = draw(CodeIntegrated(mode="plain"), teacher, desk)
    assert desk.ran == ["12 * 34"]
    assert [kind for kind, _ in parts(trace)] == ["think", "code", "output", "think", "answer"]


@pytest.mark.parametrize(
    ("said", "block"),
    [
        ("So.</think>\n\nAs code:\n```python\n12*34\n", "```\nso \\boxed{408}"),
        ("As text:\n```text\n12*34\n", "```\n</think>\n\n\\boxed{408}"),
    ],
)
def test_code_integrated_when_the_fence_left_out_is_of_another_block_then_nothing_is_lost(
    said, block
):
    desk = Desk()
    teacher = Silent((f"{said}{block}",), ByteTokens(), eos=256)
    trace = draw(CodeIntegrated(mode="plain"), teacher, desk)
    assert trace.answer == "408"
    assert desk.ran == []


def test_code_integrated_when_there_is_no_sandbox_then_it_says_what_is_missing():
    recipe = CodeIntegrated()
    kit: Kit = kit_of(recipe, Player((END,), ByteTokens(), eos=256), None)
    with pytest.raises(ConfigError, match="sandbox"):
        asyncio.run(recipe(None, kit))


@cache
def pico() -> HfTokens:
    return HfTokens("models/pico")


SENTENCES = st.sampled_from(
    [
        "Let me think. ", "The product is needed.\n", BY_HAND, DOUBT, "Émile 🚢 sails on… ",
        "x = `y` ", "```\nbare\n```\n", "```bash\nls\n```\n\n", "I check that again.\n", "1+1=2 ",
        "``", "`", "\n", "\n\n", "```", "``` \n", "<|end|", "\u200b", "}", "</think",
    ]
)  # fmt: skip
CODES = st.sampled_from(
    ["x = 1", "print('é🚢')", "'''\n```python\n'''", "", "# 1+1=2\n\n", "a\n``"]
)
TURNS = st.lists(
    st.one_of(
        SENTENCES,
        CODES.map(lambda code: f"```python\n{code}\n```\n"),
        CODES.map(lambda code: f"{code}\n```\n\nmore"),
        st.text(max_size=12),
    ),
    max_size=6,
).map("".join)
FLAGGED = st.tuples(TURNS, st.sampled_from([BY_HAND, DOUBT, f"Ok. {BY_HAND}", BLOCK]), TURNS).map(
    "".join
)
OUTPUTS = st.lists(
    st.one_of(
        st.sampled_from(["", "408", "```", "</think>", "<|end|>", "🚢" * 9, "a\n\n\nb", "[1] <x>"]),
        st.text(max_size=20),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("kind", ["bytes", "pico"])
@settings(max_examples=150)
@given(
    turns=st.lists(st.one_of(FLAGGED, FLAGGED, TURNS), max_size=6),
    outputs=OUTPUTS,
    mode=st.sampled_from(["plain", "prompt_hint", "hint_engineered"]),
    watch=st.integers(1, 90),
)
def test_segments_when_a_dialogue_is_any_then_they_are_what_was_sent_and_written_to_the_token(
    kind, turns, outputs, mode, watch
):
    tokens, eos = (ByteTokens(), 256) if kind == "bytes" else (pico(), 2)
    teacher, desk = Player((*turns, END), tokens, eos), Desk(outputs)
    sampling = Sampling(max_tokens=4000)
    recipe = CodeIntegrated(mode=mode, watch_tokens=watch, sampling=sampling)
    row = draw(recipe, teacher, desk)
    if isinstance(row, Drop):
        assert row.reason in ("unclosed", "length")
        return
    holds_together(row, teacher, tokens)
    ran = [s for s in row.segments if s.kind == "output"]
    codes = [
        code_at(row.segments, place)
        for place, after in enumerate(row.segments[1:])
        if after.kind == "output"
    ]
    assert codes[: len(desk.ran)] == desk.ran
    assert len(ran) == len(codes) >= len(desk.ran)


def holds_together(trace: Trace, teacher: Player, tokens) -> None:
    """The record is what the last request sent and got, text and mask cover it."""
    ids = [id_ for segment in trace.segments for id_ in segment.token_ids]
    assert ids == [*teacher.requests[-1], *teacher.last]
    prompt, *written = trace.segments
    closed = 0
    for segment in written:
        text = tokens.decode(segment.token_ids)
        if text != segment.text:
            head, tag, tail = text.partition("</think>")
            assert (tag, head + tail) == ("</think>", segment.text)
            closed += 1
        assert segment.token_ids
        assert segment.trainable == (segment.kind != "output")
    assert closed == 1
    whole = tokens.decode([id_ for segment in written for id_ in segment.token_ids])
    assert whole == "".join(tokens.decode(segment.token_ids) for segment in written)
    assert tuple(teacher.requests[0][: len(prompt.token_ids)]) == prompt.token_ids
    assert not prompt.trainable

"""Each format in each recipe: scripted replies, pico's tokenizer with a family's added tokens."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.dialogues import Desk
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.rows import Drop, Item, Trace
from thoughtmill.schemas.teachers import ScriptedTeacher
from thoughtmill.tasks.recipes import Annotate, CodeIntegrated, Solve, Thinking
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.recipe import Recipe
from thoughtmill.tasks.synthesis.worker import lane_of
from thoughtmill.tasks.teachers.formats import FORMATS, require_fit
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.teachers.protocol import Completion
from thoughtmill.tasks.teachers.tokens import HfTokens, found_format

THOUGHT = "Twelve thirty-fours are four hundred and eight, for ten of them are 340."
REPLY = "It comes to this.\n\\boxed{408}"
ANNOTATION = "Ten times 34 is 340, and twice 34 is 68 more.\nAnswer: 408"
CODE = "Python can do it.\n```python\nprint(12 * 34)\n```\n"
ITEM = Item(
    item_id="item-1", kind="problem", text="What is 12 * 34?", reference="408", source="sums"
)
TURN = "{% for m in messages %}<|user|>\n{{ m['content'] }}<|end|>\n{% endfor %}<|assistant|>\n"


class Family(NamedTuple):
    format: str
    template: str
    added: tuple[tuple[str, bool], ...] = ()
    """Added tokens, and whether decoding leaves them out."""
    writes: str = "{open}{thought}{close}{reply}"


FAMILIES = {
    "opened by the template": Family("think", TURN + "<think>\n", writes="{thought}{close}{reply}"),
    "opened by the model": Family(
        "think", TURN + "{# the thought before </think> is not shown again #}"
    ),
    "thinking off": Family("none", TURN + "<think>\n\n</think>\n\n", writes="{reply}"),
    "instruct": Family("none", TURN, writes="{reply}"),
    "special tags": Family(
        "mistral", TURN + "{# [THINK] #}", (("[THINK]", True), ("[/THINK]", True))
    ),
    "ordinary tags": Family(
        "seed", TURN + "{# <seed:think> #}", (("<seed:think>", False), ("</seed:think>", False))
    ),
    "command": Family(
        "cohere",
        TURN + "<|START_THINKING|>",
        (("<|START_THINKING|>", True), ("<|END_THINKING|>", True)),
        "{thought}{close}{reply}",
    ),
    "command, thinking off": Family(
        "none",
        TURN + "<|START_THINKING|><|END_THINKING|>",
        (("<|START_THINKING|>", True), ("<|END_THINKING|>", True)),
        "{reply}",
    ),
    "channels": Family(
        "harmony",
        TURN.replace("<|assistant|>\n", "<|start|>assistant")
        + "{# <|channel|>analysis<|message|> #}",
        tuple((f"<|{tag}|>", True) for tag in ("start", "channel", "message", "return")),
        "{open}{thought}{close}<|start|>assistant<|channel|>final<|message|>{reply}<|return|>",
    ),
}


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory) -> dict[str, HfTokens]:
    made = {}
    for number, (name, family) in enumerate(FAMILIES.items()):
        folder = tmp_path_factory.mktemp(f"family-{number}")
        for file in ("tokenizer.json", "tokenizer_config.json", "config.json"):
            shutil.copy(Path("models/pico") / file, folder / file)
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        known = {token["content"] for token in tokenizer["added_tokens"]}
        next_id = max(
            max(token["id"] for token in tokenizer["added_tokens"]),
            max(tokenizer["model"]["vocab"].values()),
        )
        for tag, special in family.added:
            if tag not in known:
                next_id += 1
                flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
                entry = {"id": next_id, "content": tag, "special": special, **flags}
                tokenizer["added_tokens"].append(entry)
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
        (folder / "chat_template.jinja").write_text(family.template)
        made[name] = HfTokens(str(folder))
    return made


class Played:
    """A teacher that writes one reply, stopped as an engine or as a server would stop it."""

    def __init__(self, tokens: HfTokens, written: str, *, endpoint: bool) -> None:
        self.identity = identify(ScriptedTeacher())
        self.tokens = tokens
        self.format = found_format("auto", tokens)
        self._written, self._endpoint = written, endpoint

    async def chat(self, messages, sampling, *, seed) -> Completion:
        return await self.extend(self.tokens.render(messages), sampling, seed=seed)

    async def extend(self, prompt_ids, sampling, *, seed) -> Completion:
        written, stopped_by = self._written, None
        said = self.tokens.decode(prompt_ids[-40:])
        if "```output" in said:  # a block has been run: the reply goes on behind its output
            written = written.partition(CODE)[2]
        for stop in sampling.stop:
            if stop in written:
                end = written.index(stop) + len(stop)
                written, stopped_by = written[:end], stop
        ids = tuple(self.tokens.encode(written)) + (() if stopped_by else (self._eos(),))
        text = self.tokens.decode(self.tokens.encode(written.removesuffix(stopped_by or "")))
        known = () if self._endpoint else ids
        return Completion(
            text=text,
            finish_reason="stop",
            prompt_tokens=len(prompt_ids),
            completion_tokens=len(ids),
            prompt_ids=() if self._endpoint else tuple(prompt_ids),
            token_ids=known,
            stopped_by=stopped_by,
            stop_told=True,
        )

    def _eos(self) -> int:
        return self.tokens.encode("<|end|>")[0]


def draw(recipe: Recipe, teacher: Played, sandbox: Desk | None = None) -> Trace | Drop:
    lane = lane_of("run-1", recipe, teacher.identity)
    name = trace_id("item-1", lane.recipe_fingerprint, lane.teacher_fingerprint, 0)
    rows = asyncio.run(recipe(ITEM, Kit(teacher, lane, "item-1", 0, name, sandbox)))
    return next(row for row in rows if isinstance(row, Trace | Drop))


def written(name: str, reply: str, thought: str = THOUGHT) -> str:
    family = FAMILIES[name]
    form = FORMATS[family.format]
    return family.writes.format(thought=thought, reply=reply, open=form.open, close=form.close)


def parts(trace: Trace | Drop) -> list[tuple[str, str]]:
    assert isinstance(trace, Trace), trace
    return [(part.kind, part.text.strip()) for part in trace.segments[1:] if part.text.strip()]


def whole(trace: Trace | Drop) -> tuple[int, ...]:
    assert isinstance(trace, Trace), trace
    return tuple(id_ for segment in trace.segments for id_ in segment.token_ids)


@pytest.mark.parametrize("name", FAMILIES)
def test_format_when_it_is_auto_then_the_template_tells(tokenizers, name):
    assert found_format("auto", tokenizers[name]).name == FAMILIES[name].format


@pytest.mark.parametrize("name", FAMILIES)
def test_thinking_when_the_format_is_any_then_the_thought_is_kept_and_nothing_else(
    tokenizers, name
):
    marked = FORMATS[FAMILIES[name].format].marked
    teacher = Played(tokenizers[name], written(name, REPLY), endpoint=False)
    trace = draw(Thinking(min_thinking_tokens=4), teacher)
    assert parts(trace) == [("think", THOUGHT if marked else REPLY)]
    assert trace.meta["thought_end"] == ("tag" if marked else "turn")
    assert trace.meta["reasoning_format"] == FAMILIES[name].format
    think = trace.segments[1]
    assert tokenizers[name].decode(think.token_ids).strip() == think.text.strip()


@pytest.mark.parametrize("name", FAMILIES)
def test_solve_when_the_format_is_any_then_thought_and_answer_are_parted_to_the_token(
    tokenizers, name
):
    marked = FORMATS[FAMILIES[name].format].marked
    text = written(name, REPLY)
    teacher = Played(tokenizers[name], text, endpoint=False)
    trace = draw(Solve(), teacher)
    assert parts(trace) == (
        [("think", THOUGHT), ("answer", REPLY)]
        if marked
        else [("think", "It comes to this."), ("answer", "\\boxed{408}")]
    )
    assert trace.answer == "408"
    said = (*tokenizers[name].encode(text), tokenizers[name].encode("<|end|>")[0])
    assert whole(trace)[len(trace.segments[0].token_ids) :] == said


@pytest.mark.parametrize("name", FAMILIES)
def test_annotate_when_the_format_is_any_then_only_the_reply_is_the_reasoning(tokenizers, name):
    marked = FORMATS[FAMILIES[name].format].marked
    teacher = Played(tokenizers[name], written(name, ANNOTATION), endpoint=False)
    trace = draw(Annotate(blind=False, attempts=1), teacher)
    reasoning, last = ANNOTATION.split("\n")
    expected = [("think", reasoning), ("answer", last)]
    assert parts(trace) == ([("think", THOUGHT), *expected] if marked else expected)
    assert trace.answer == "408"
    if marked:
        assert not trace.segments[1].trainable


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "channels"])
def test_code_integrated_when_the_format_takes_code_then_blocks_run_in_it(tokenizers, name):
    marked = FORMATS[FAMILIES[name].format].marked
    text = written(name, REPLY, CODE) if marked else CODE + REPLY
    tags = FORMATS[FAMILIES[name].format]
    text = text.removeprefix(tags.open) if marked else text  # the recipe opens the thought
    teacher = Played(tokenizers[name], text, endpoint=False)
    trace = draw(CodeIntegrated(mode="plain"), teacher, Desk())
    kinds = [kind for kind, _ in parts(trace)]
    assert kinds[:3] == ["think", "code", "output"]
    assert parts(trace)[-1][0] == "answer"
    assert "408" in (trace.answer or "")
    assert trace.meta["thought_end"] == ("tag" if marked else "turn")


@pytest.mark.parametrize("name", ["opened by the template", "opened by the model", "instruct"])
def test_solve_when_an_endpoint_sends_text_alone_then_it_is_parted_by_the_text(tokenizers, name):
    marked = FORMATS[FAMILIES[name].format].marked
    teacher = Played(tokenizers[name], written(name, REPLY), endpoint=True)
    trace = draw(Solve(), teacher)
    assert trace.answer == "408"
    assert parts(trace)[0] == ("think", THOUGHT if marked else "It comes to this.")


def test_solve_when_a_server_leaves_channel_tags_out_then_the_row_is_dropped_by_name(tokenizers):
    teacher = Played(
        tokenizers["instruct"], f"analysis{THOUGHT}assistantfinal{REPLY}", endpoint=True
    )
    row = draw(Solve(), teacher)
    assert isinstance(row, Drop)
    assert row.reason == "channels_lost"


def test_require_fit_when_code_cannot_go_into_channels_then_it_names_what_would_work():
    require_fit(FORMATS["none"], "code_integrated", puts_code_in=True)
    with pytest.raises(ConfigError, match=r"gpt-oss.*use recipe solve.*think"):
        require_fit(FORMATS["harmony"], "code_integrated", puts_code_in=True)

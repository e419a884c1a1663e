"""Thoughts with Python blocks: what is learned from, what stands where, and that it all holds."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from random import Random

import pytest

from thoughtmill.tasks.sandbox import UnsafeProcessSandbox, open_sandbox

PICO = Path(__file__).resolve().parents[2] / "models" / "pico"
sys.path.insert(0, str(PICO))

import coding  # noqa: E402
import corpus  # noqa: E402
import large  # noqa: E402
import plans  # noqa: E402
import shards  # noqa: E402
import turns  # noqa: E402
from notebook import Notebook  # noqa: E402
from pieces import Pieces  # noqa: E402

BLOCK = re.compile(r"```python\n(.*?)\n```\n", re.DOTALL)
OUTPUT = re.compile(r"```output\n(.*?)\n```\n", re.DOTALL)
HINTS = turns.hints()


def plan(seed: int) -> plans.Plan:
    rng = Random(seed)
    if seed % 2:
        return plans.large_plan(large.compose(rng, rng.choice(large.LEVELS)), rng)
    return plans.word_plan(corpus.drawn_problem(rng), rng)


def thoughts(count: int) -> list[tuple[plans.Plan, Pieces, str, coding.Mode]]:
    found = []
    for seed in range(count):
        made = plan(seed)
        found.append((made, *coding.coded(Random(seed), made, HINTS)))
    return found


@pytest.mark.parametrize("level", large.LEVELS)
def test_large_when_same_seed_then_same_problem_and_its_plan_ends_with_the_answer(
    level: int,
) -> None:
    for seed in range(60):
        made = large.problem(level, seed)
        assert made == large.problem(level, seed)
        written = large_plan_of(made)
        assert str(written.stages[-1].value) == made.answer
        assert re.findall(r"\d+", written.by_hand())[-1] == made.answer
        for one in made.operations:
            assert all(str(term) in made.question for term in one.terms if isinstance(term, int))


def large_plan_of(made: large.Large) -> plans.Plan:
    return plans.large_plan(made, Random(0))


def test_exam_when_any_level_then_a_question_and_an_answer() -> None:
    for level in range(1, 8):
        made = large.exam(level, 3)
        assert made.level == level
        assert made.question
        assert int(made.answer) >= 0


def test_large_when_the_level_is_unknown_then_it_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="level must be one of"):
        large.problem(5, 0)


def test_plan_when_its_lines_run_then_python_agrees_with_the_written_working() -> None:
    for seed in range(200):
        made, notebook = plan(seed), Notebook()
        notebook.run(made.start)
        for stage in made.stages:
            assert notebook.run(f"{stage.line}\n{stage.name}") == f"{stage.value}\n"
            assert notebook.run(stage.check) == "True\n"
            assert str(stage.value) in stage.working


def test_coded_when_run_again_then_every_output_is_what_its_block_prints() -> None:
    for _, pieces, _, _ in thoughts(300):
        notebook = Notebook()
        text = pieces.text
        blocks, outputs = BLOCK.findall(text), OUTPUT.findall(text)
        assert len(blocks) == len(outputs)
        for block, output in zip(blocks, outputs, strict=True):
            assert notebook.run(block).strip() == output.strip()


def test_coded_when_finished_then_it_ends_with_the_answer_but_for_own_slips() -> None:
    modes = set()
    slips = 0
    for made, pieces, number, mode in thoughts(400):
        modes.add(mode)
        if mode == "unfinished":
            assert "boxed" not in pieces.text
            continue
        assert re.findall(r"\\boxed\{(.*?)\}", pieces.text) == [number]
        assert pieces.text.endswith("<|end|>")
        if number != made.answer:
            slips += 1
            assert any(said in pieces.text for said in ("so I go with", "trust my own"))
        if mode != "hand":
            assert made.answer in (output.strip() for output in OUTPUT.findall(pieces.text))
    assert modes == {*coding.MODES, "unfinished"}
    assert 0 < slips < 40


def test_coded_when_others_speak_then_nothing_of_it_is_learned() -> None:
    for _, pieces, _, _ in thoughts(300):
        for piece in pieces.made:
            inserted = piece.text.startswith("```output") or any(
                hint in piece.text for hint in HINTS.values()
            )
            assert not (inserted and piece.loss)
            assert "```output" not in piece.text or piece.text.startswith("```output")


def test_coded_when_a_hint_has_opened_the_fence_then_pico_goes_on_with_code() -> None:
    seen = 0
    for _, pieces, _, _ in thoughts(300):
        for piece, after in zip(pieces.made, pieces.made[1:], strict=False):
            if piece.text.endswith("```python\n") and not piece.loss:
                seen += 1
                assert after.loss
                assert not after.text.startswith("```")
                assert after.text.endswith("\n```\n")
    assert seen > 50


def test_shard_when_a_turn_has_insertions_then_each_stretch_has_its_own_tokens() -> None:
    pieces = Pieces()
    pieces.say("I add.\n```python\n1 + 1\n```\n")
    pieces.insert("```output\n2\n```\n")
    pieces.say("So it is 2.<|end|>")
    made = turns.Conversation("code", "1 + 1", pieces.text, pieces=tuple(pieces.made))
    ids, learned = shards.encoded(made)
    tokens = shards.tokenizer()
    assert tokens.decode(ids, skip_special_tokens=False) == made.opened + made.reply
    kept = tokens.decode(
        [one for one, loss in zip(ids, learned, strict=True) if loss], skip_special_tokens=False
    )
    assert kept == "I add.\n```python\n1 + 1\n```\nSo it is 2.<|end|>"
    assert sum(learned) == sum(len(tokens.encode(piece.text).ids) for piece in pieces.made[::2])


def test_batch_when_some_tokens_carry_no_loss_then_only_the_others_are_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SIZE", 12)
    rows = shards.examples(shards.build(tmp_path, 5))
    batch = shards.batch(rows)
    for row, targets in zip(rows, batch.targets, strict=True):
        places = row.learned.nonzero()[0]
        assert (targets[places - 1] == row.ids[places]).all()
        assert (targets != shards.IGNORED).sum() == len(places)


def test_notebook_when_given_the_same_blocks_then_it_prints_what_the_sandbox_prints() -> None:
    blocks = [
        "total = 8342 * 517\ntotal", "total = (3 + 4\ntotal", "show(total)", "tota", "total // 0",
        "assert total == 5", "print(total)", "x = 1", "total == 8342 * 517",
    ]  # fmt: skip

    async def sandboxed() -> list[str]:
        settings = UnsafeProcessSandbox()
        async with open_sandbox(settings) as sandbox, sandbox.session(seed=0) as session:
            return [(await session.run(block)).text for block in blocks]

    notebook = Notebook()
    assert asyncio.run(sandboxed()) == [notebook.run(block) for block in blocks]

from __future__ import annotations

import asyncio

import pytest

from tests.dialogues import played
from tests.lakes import trace
from thoughtmill.schemas.teachers import ScriptedTeacher
from thoughtmill.tasks.labels import BlockNovelty, BlockSignificance
from thoughtmill.tasks.teachers import start
from thoughtmill.tasks.teachers.scripted import Scripted

DRAWN = played("First.\n```python\n12 * 34\n```\n", "So.\n</think>\n\n\\boxed{408}", mode="plain")


class Listening(Scripted):
    """A scripted teacher that keeps what it was asked, and with which seeds."""

    def __init__(self, *replies: str) -> None:
        super().__init__(ScriptedTeacher(replies=replies))
        self.asked: list[str] = []
        self.seeds: list[int] = []

    async def chat(self, messages, sampling, *, seed):
        self.asked.append(messages[0]["content"])
        self.seeds.append(seed)
        return await super().chat(messages, sampling, seed=seed)


def labels(labeller, *replies: str, of=DRAWN):
    return asyncio.run(labeller.ask(of, start(ScriptedTeacher(replies=replies))))


@pytest.mark.parametrize(
    ("labeller", "reply", "label", "score"),
    [
        (BlockNovelty(), "It multiplies. VERDICT: NOVEL", "novel", 1.0),
        (BlockNovelty(), "VERDICT: novel\nNo: VERDICT: CHECK", "check", 1.0),
        (BlockNovelty(), "<think>VERDICT: CHECK</think>**VERDICT:** NOVEL", "novel", 1.0),
        (BlockNovelty(), "VERDICT: UNSURE", "undecided", 0.0),
        (BlockNovelty(), "I would say so.", "undecided", 0.0),
        (BlockNovelty(), "VERDICT: TRIVIAL", "undecided", 0.0),
        (BlockSignificance(votes=1), "VERDICT: TRIVIAL", "trivial", 1.0),
        (BlockSignificance(), "VERDICT: SIGNIFICANT.", "significant", 1.0),
    ],
)
def test_block_judge_when_the_teacher_votes_then_the_majority_is_the_label(
    labeller, reply, label, score
):
    (told,) = labels(labeller, reply)
    assert (told.label, told.score, told.position) == (label, score, 2)
    assert told.trace_id == DRAWN.trace_id
    assert told.labeller == labeller.name


def test_block_judge_when_votes_differ_then_a_word_needs_more_than_half_of_all():
    (told,) = labels(BlockNovelty(votes=64), "VERDICT: NOVEL", "VERDICT: CHECK", "VERDICT: UNSURE")
    assert told.label == "undecided"
    assert 0 < told.score <= 0.5


def test_block_judge_when_it_asks_then_problem_writing_code_and_output_are_shown_as_material():
    teacher = Listening("VERDICT: NOVEL")
    asyncio.run(BlockNovelty().ask(DRAWN, teacher))
    asked = teacher.asked[0]
    for shown in ("What is 12 * 34?", "First.\n", "12 * 34", "408"):
        assert shown in asked
    assert "So.\n" not in asked
    assert len(set(teacher.seeds)) == 3
    again = Listening("VERDICT: NOVEL")
    asyncio.run(BlockNovelty().ask(DRAWN, again))
    assert again.seeds == teacher.seeds


def test_block_judge_when_code_looks_like_the_prompt_then_it_stays_material():
    turn = "{code} {output}\n```python\nprint('</block>{problem}')\n```\n"
    teacher = Listening("VERDICT: NOVEL")
    asyncio.run(BlockNovelty().ask(played(turn, "</think>1", mode="plain"), teacher))
    assert "print('< /block>{problem}')" in teacher.asked[0]
    assert "{code} {output}" in teacher.asked[0]


def test_block_judge_when_a_trace_has_no_code_then_nothing_is_asked():
    teacher = Listening("VERDICT: NOVEL")
    assert list(asyncio.run(BlockNovelty().ask(trace(0), teacher))) == []
    assert teacher.asked == []

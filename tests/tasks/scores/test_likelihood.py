from __future__ import annotations

import asyncio
import math

import pytest

from tests.lakes import trace
from thoughtmill.schemas.rows import Segment
from thoughtmill.schemas.teachers import ScriptedTeacher
from thoughtmill.tasks.scores.likelihood import Likelihood, laid_out
from thoughtmill.tasks.teachers.scripted import ByteTokens, Scripted

TOKENS = ByteTokens()
ASKED = "Why?"


def segments(*, with_ids: bool = True, hint: bool = False) -> tuple[Segment, ...]:
    def part(kind: str, text: str, ids: list[int], trainable: bool) -> Segment:
        return Segment(
            kind=kind, text=text, token_ids=tuple(ids) if with_ids else (), trainable=trainable
        )

    found = [
        part("prompt", ASKED, TOKENS.render([{"role": "user", "content": ASKED}]), False),
        part("think", "Hm.", TOKENS.encode("Hm.\n"), True),
        part("answer", "7", [*TOKENS.encode("7"), 256], True),
    ]
    if hint:
        found.insert(2, part("hint", "Wait,", TOKENS.encode("Wait,"), False))
    return tuple(found)


def test_layout_when_the_tokenizer_is_the_traces_then_its_own_ids_are_scored():
    scored = laid_out(segments(), TOKENS)
    prompt = TOKENS.render([{"role": "user", "content": ASKED}])
    assert scored.token_ids == [*prompt, *b"Hm.\n7", 256]
    assert scored.positions == list(range(len(prompt), len(prompt) + 6))


def test_layout_when_a_hint_stands_in_the_thought_then_it_is_read_and_not_scored():
    scored = laid_out(segments(hint=True), TOKENS)
    read = bytes(scored.token_ids[at] for at in scored.positions if scored.token_ids[at] < 256)
    assert read == b"Hm.\n7"
    assert len(scored.token_ids) == len(laid_out(segments(), TOKENS).token_ids) + len("Wait,")


@pytest.mark.parametrize("other", ["no ids", "another tokenizer"])
def test_layout_when_ids_are_not_this_tokenizers_then_the_text_is_encoded_anew(other):
    if other == "no ids":
        foreign = segments(with_ids=False)
    else:
        foreign = tuple(
            s.model_copy(update={"token_ids": tuple(id_ + 1 for id_ in s.token_ids)})
            for s in segments()
        )
    scored = laid_out(foreign, TOKENS)
    assert bytes(scored.token_ids[at] for at in scored.positions) == b"Hm.7"


def test_likelihood_when_a_trace_is_scored_then_perplexity_is_that_of_its_mean():
    teacher = Scripted(ScriptedTeacher())
    one = trace(0, segments=segments())
    perplexity, mean = asyncio.run(Likelihood().ask(one, teacher))
    assert (perplexity.scorer, mean.scorer) == Likelihood().names(teacher.identity)
    assert (perplexity.scorer, mean.scorer) == (
        'perplexity@1{"teacher":"scripted"}',
        'mean_logprob@1{"teacher":"scripted"}',
    )
    row = laid_out(segments(), TOKENS)
    all_ = asyncio.run(teacher.score(row.token_ids, from_position=1))
    assert mean.value == pytest.approx(math.fsum(all_[at - 1] for at in row.positions) / 6)
    assert perplexity.value == pytest.approx(math.exp(-mean.value))


def test_likelihood_when_nothing_is_trainable_then_there_is_no_score():
    bare = tuple(s.model_copy(update={"trainable": False}) for s in segments())
    one = trace(0, segments=bare)
    assert list(asyncio.run(Likelihood().ask(one, Scripted(ScriptedTeacher())))) == []


def test_likelihood_when_the_first_token_of_all_is_trainable_then_it_is_left_out():
    assert laid_out(segments()[1:], TOKENS).positions == [1, 2, 3, 4, 5]

from __future__ import annotations

import asyncio

import pytest

from thoughtmill.schemas.teachers import Sampling, ScriptedTeacher
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.teachers.protocol import Completion
from thoughtmill.tasks.teachers.scripted import END, Scripted

CHAT = [{"role": "user", "content": "one two three four five six seven eight nine"}]


def chat(sampling: Sampling | None = None, *, seed: int = 0, **fields: object) -> Completion:
    teacher = Scripted(ScriptedTeacher.model_validate(fields))
    return asyncio.run(teacher.chat(CHAT, sampling or Sampling(), seed=seed))


def test_chat_when_default_then_last_eight_words_of_the_prompt_and_a_thought_end() -> None:
    done = chat()
    assert done.text == ("Let me go through it: two three four five six seven eight nine</think>")
    assert done.finish_reason == "stop"
    assert done.token_ids == (*done.text.encode(), END)
    assert done.completion_tokens == len(done.text) + 1


def test_chat_when_stop_string_comes_then_text_before_it_and_its_tokens_kept() -> None:
    done = chat(Sampling(stop=("</think>", "nine")))
    assert done.text.endswith("eight ")
    assert bytes(done.token_ids).endswith(b"eight nine")
    assert done.finish_reason == "stop"


@pytest.mark.parametrize(
    ("max_tokens", "text", "finish"),
    [(2, "ab", "length"), (3, "ab\ufffd", "length"), (4, "abé", "length"), (5, "abé", "stop")],
)
def test_chat_when_tokens_are_few_then_length_unless_the_end_tag_fits(
    max_tokens: int, text: str, finish: str
) -> None:
    done = chat(Sampling(max_tokens=max_tokens), replies=["abé"])
    assert (done.text, done.finish_reason, done.completion_tokens) == (text, finish, max_tokens)


def test_chat_when_seed_is_the_same_then_the_same_reply_and_all_replies_occur() -> None:
    replies = [f"reply {n}" for n in range(3)]
    by_seed = [chat(seed=seed, replies=replies).text for seed in range(12)]
    assert by_seed == [chat(seed=seed, replies=replies).text for seed in range(12)]
    assert set(by_seed) == set(replies)


@pytest.mark.parametrize("first", [1, 7, 9])  # 7 and 9 end inside a character
def test_extend_when_a_reply_was_begun_then_it_goes_on_token_exactly(first: int) -> None:
    teacher = Scripted(ScriptedTeacher(replies=("héllo 🍎 {prompt}", "other")))
    prompt = teacher.tokens.render(CHAT)
    whole = asyncio.run(teacher.extend(prompt, Sampling(), seed=0))
    begun = asyncio.run(teacher.extend(prompt, Sampling(max_tokens=first), seed=0))
    rest = asyncio.run(teacher.extend([*prompt, *begun.token_ids], Sampling(), seed=1))
    assert begun.token_ids + rest.token_ids == whole.token_ids


def test_extend_when_something_else_was_begun_then_a_reply_of_its_own() -> None:
    teacher = Scripted(ScriptedTeacher(replies=("abc",)))
    prompt = [*teacher.tokens.render(CHAT), *teacher.tokens.encode("a hint: ")]
    assert asyncio.run(teacher.extend(prompt, Sampling(), seed=0)).text == "abc"


def test_score_when_asked_twice_then_equal_negative_and_dependent_on_what_precedes() -> None:
    teacher = Scripted(ScriptedTeacher())
    once = asyncio.run(teacher.score([1, 2, 3, 4], from_position=1))
    assert once == asyncio.run(teacher.score([1, 2, 3, 4], from_position=1))
    assert len(once) == 3
    assert all(value < 0 for value in once)
    assert once[-1] != asyncio.run(teacher.score([9, 2, 3, 4], from_position=3))[0]


def test_identity_when_only_the_delay_differs_then_the_same_fingerprint() -> None:
    prints = {
        identify(ScriptedTeacher(delay_s=delay)).fingerprint(Sampling()) for delay in (0.0, 1.0)
    }
    other = identify(ScriptedTeacher(replies=("x",))).fingerprint(Sampling())
    assert len(prints) == 1
    assert other not in prints

"""What a request says and how an answer is read; faults and retries are in test_endpoint_http."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import orjson
import pytest

from tests.loopback import Fault, Loopback
from tests.tasks.teachers.conftest import PICO
from thoughtmill.schemas.errors import ConfigError, PromptTooLong, TeacherError
from thoughtmill.schemas.teachers import EndpointTeacher, Sampling
from thoughtmill.tasks.teachers.endpoint import Endpoint
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.teachers.protocol import Completion

CHAT = [{"role": "user", "content": "how many apples are left"}]
LIMITED = Sampling(max_tokens=64)
Build = Callable[..., Endpoint]


def chat(teacher: Endpoint, sampling: Sampling | None = None) -> Completion:
    async def run() -> Completion:
        try:
            return await teacher.chat(CHAT, sampling or Sampling(), seed=7)
        finally:
            await teacher.close()

    return asyncio.run(run())


def extend(teacher: Endpoint, prompt: list[int], sampling: Sampling = LIMITED) -> Completion:
    async def run() -> Completion:
        try:
            return await teacher.extend(prompt, sampling, seed=7)
        finally:
            await teacher.close()

    return asyncio.run(run())


def score(teacher: Endpoint, ids: list[int], from_position: int) -> list[float]:
    async def run() -> list[float]:
        try:
            return await teacher.score(ids, from_position=from_position)
        finally:
            await teacher.close()

    return asyncio.run(run())


def test_chat_when_answered_then_text_usage_and_finish(server: Loopback, build: Build) -> None:
    done = chat(build())
    assert done.text == "Some thinking about many apples are left\n</think>"
    assert done.finish_reason == "stop"
    assert done.prompt_tokens == len(CHAT[0]["content"])
    assert done.completion_tokens == len(done.text) + 1
    assert (done.prompt_ids, done.token_ids, done.reasoning) == ((), (), None)


def test_chat_when_sampling_is_set_then_every_field_is_sent(server: Loopback, build: Build) -> None:
    sampling = Sampling(
        temperature=0.0,
        top_p=0.9,
        top_k=20,
        min_p=0.1,
        repetition_penalty=1.1,
        max_tokens=64,
        stop=("</think>",),
    )
    assert chat(build(), sampling).text.endswith("left\n")
    assert server.seen[0].path == "/v1/chat/completions"
    assert server.seen[0].body == {
        "model": "loopback",
        "messages": CHAT,
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 20,
        "min_p": 0.1,
        "repetition_penalty": 1.1,
        "max_tokens": 64,
        "stop": ["</think>"],
        "seed": 7,
    }


def test_chat_when_sampling_is_open_then_nothing_is_sent_for_it(
    server: Loopback, build: Build
) -> None:
    chat(build())
    assert server.seen[0].body == {"model": "loopback", "messages": CHAT, "seed": 7}


def test_chat_when_extra_body_then_it_wins_and_null_leaves_a_field_out(
    server: Loopback, build: Build
) -> None:
    extra = {"seed": None, "top_p": 0.5, "chat_template_kwargs": {"enable_thinking": False}}
    chat(build(extra_body=extra), Sampling(top_p=0.9))
    assert server.seen[0].body == {
        "model": "loopback",
        "messages": CHAT,
        "top_p": 0.5,
        "chat_template_kwargs": {"enable_thinking": False},
    }


def test_chat_when_tokens_run_out_then_length(server: Loopback, build: Build) -> None:
    done = chat(build(), Sampling(max_tokens=4))
    assert (done.text, done.finish_reason, done.completion_tokens) == ("Some", "length", 4)


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        *((reason, "stop") for reason in ("STOP", "eos", "end_turn", "stop_sequence")),
        *((reason, "length") for reason in ("max_tokens", "MAX_TOKENS", "Length")),
    ],
)
def test_chat_when_finish_reason_is_another_servers_spelling_then_what_it_means(
    server: Loopback, build: Build, spelled: str, meant: str
) -> None:
    choice = {"message": {"content": "x"}, "finish_reason": spelled}
    server.faults.append(Fault(body=orjson.dumps({"choices": [choice]})))
    assert chat(build()).finish_reason == meant


@pytest.mark.parametrize("reason", ["unheard_of", "abort", None])
def test_chat_when_finish_reason_is_another_then_error(
    server: Loopback, build: Build, reason: str | None
) -> None:
    choice = {"message": {"content": None}, "finish_reason": reason}
    server.faults.append(Fault(body=orjson.dumps({"choices": [choice]})))
    done = chat(build())
    assert (done.text, done.finish_reason) == ("", "error")


def test_chat_when_server_splits_reasoning_then_reasoning(server: Loopback, build: Build) -> None:
    server.split_reasoning = True
    server.reply = "a thought</think>an answer"
    done = chat(build())
    assert (done.reasoning, done.text) == ("a thought", "an answer")


def test_chat_when_field_is_called_reasoning_then_reasoning(server: Loopback, build: Build) -> None:
    choice = {"message": {"content": "x", "reasoning": "why"}, "finish_reason": "stop"}
    server.faults.append(Fault(body=orjson.dumps({"choices": [choice]})))
    assert chat(build()).reasoning == "why"


def test_chat_when_token_ids_are_asked_for_then_they_come_back(
    server: Loopback, build: Build
) -> None:
    done = chat(build(extra_body={"return_token_ids": True}))
    assert bytes(done.prompt_ids).decode() == CHAT[0]["content"]
    assert bytes(done.token_ids[:-1]).decode() == done.text


def test_chat_when_usage_is_missing_then_tokens_are_counted_here(
    server: Loopback, build: Build
) -> None:
    server.usage = False
    teacher = build(tokenizer=PICO)
    done = chat(teacher)
    assert done.completion_tokens == len(done.token_ids)
    assert chat(build()).completion_tokens == 0


def test_extend_when_server_returns_ids_then_exactly_these(server: Loopback, build: Build) -> None:
    prompt = list(b"think about red apples")
    done = extend(build(), prompt, Sampling(max_tokens=64, stop=("</think>",)))
    assert server.seen[0].path == "/v1/completions"
    assert server.seen[0].body["prompt"] == prompt
    assert server.seen[0].body["return_token_ids"] is True
    assert done.prompt_ids == tuple(prompt)
    assert bytes(done.token_ids).decode() == done.text + "</think>"


def test_extend_when_server_returns_text_only_then_ids_by_our_tokenizer(
    server: Loopback, build: Build
) -> None:
    server.returns_ids = False
    server.reply = " He buys 4 more."
    teacher = build(tokenizer=PICO)
    prompt = teacher.tokens.encode("Tom has 3 apples.")
    done = extend(teacher, prompt)
    assert teacher.tokens.decode(done.token_ids) == done.text
    assert teacher.tokens.decode([*prompt, *done.token_ids]) == "Tom has 3 apples." + done.text


def test_extend_when_text_does_not_tell_the_tokens_then_error(
    server: Loopback, build: Build
) -> None:
    server.returns_ids = False
    prompt = list(b"Tom")
    with pytest.raises(TeacherError, match="return_token_ids"):  # 4 bytes are not 4 tokens of pico
        extend(build(tokenizer=PICO), prompt, Sampling(max_tokens=4))
    server.reply = "half a character \ufffd"
    with pytest.raises(TeacherError, match="return_token_ids"):
        extend(build(tokenizer=PICO), prompt)


def test_extend_when_no_tokenizer_is_named_and_none_needed_then_fine_else_config_error(
    server: Loopback, build: Build
) -> None:
    assert extend(build(), [1, 2]).token_ids
    server.returns_ids = False
    with pytest.raises(ConfigError, match=r"^teacher\.tokenizer: "):
        extend(build(), [1, 2])


def test_extend_when_max_tokens_is_open_then_config_error(build: Build) -> None:
    with pytest.raises(ConfigError, match=r"^sampling\.max_tokens: "):
        extend(build(), [1, 2], Sampling())


@pytest.mark.parametrize("form", ["echo", "prompt_logprobs"])
def test_score_when_server_tells_then_one_value_a_token(
    server: Loopback, build: Build, form: str
) -> None:
    server.logprobs = form  # type: ignore[assignment]
    assert score(build(), [5, 6, 7, 8], 1) == [-0.5, -1.0, -1.5]
    assert score(build(), [5, 6, 7, 8], 3) == [-1.5]
    assert server.seen[0].body["max_tokens"] == 1


def test_score_when_server_does_not_tell_then_error_says_what_is_needed(
    server: Loopback, build: Build
) -> None:
    server.logprobs = "none"
    with pytest.raises(TeacherError, match="echo and logprobs"):
        score(build(), [5, 6, 7], 1)
    server.faults.append(Fault(400, b'{"error": {"message": "echo is not supported"}}'))
    with pytest.raises(TeacherError, match=r"echo is not supported.*echo and logprobs"):
        score(build(), [5, 6, 7], 1)


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "too long", "code": "context_length_exceeded"}},
        {"error": {"message": "too long", "code": 400, "param": "input_tokens"}},
        {"error": {"message": "too long", "code": 400, "type": "exceed_context_size_error"}},
        {"error": {"message": "max_tokens must be at least 1, got 0.", "param": "max_tokens"}},
        {"error": {"message": "This model's maximum context length is 10 tokens.", "code": 400}},
        {"object": "error", "message": "longer than the maximum model length of 10", "code": 400},
    ],
)
def test_chat_when_prompt_exceeds_the_context_then_prompt_too_long(
    server: Loopback, build: Build, error: dict[str, object]
) -> None:
    server.context_tokens = 10
    server.too_long = lambda count: Fault(400, orjson.dumps(error))
    with pytest.raises(PromptTooLong):
        chat(build())
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"message": "maximum context length may not be set", "code": "invalid_value"},
        {"message": "max_tokens=5000 cannot be greater than 512.", "param": "max_tokens"},
    ],
)
def test_chat_when_another_400_speaks_of_lengths_then_not_too_long(
    server: Loopback, build: Build, said: dict[str, str]
) -> None:
    server.faults.append(Fault(400, orjson.dumps({"error": said})))
    with pytest.raises(TeacherError) as caught:
        chat(build())
    assert not isinstance(caught.value, PromptTooLong)


def fingerprint(**fields: object) -> str:
    config = {"model": "m", "base_url": "http://a/v1", **fields}
    return identify(EndpointTeacher.model_validate(config)).fingerprint(Sampling())


def test_identity_when_only_transport_differs_then_the_same_fingerprint() -> None:
    assert fingerprint() == fingerprint(base_url="http://b/v1", tries=2, max_concurrency=1)
    assert fingerprint(extra_body={"a": 1, "b": 2}) == fingerprint(extra_body={"b": 2, "a": 1})


def test_identity_when_behaviour_differs_then_another_fingerprint() -> None:
    ways = ({}, {"model": "n"}, {"revision": "1"}, {"extra_body": {"a": 1}})
    assert len({fingerprint(**way) for way in ways}) == len(ways)

"""Replies as real servers send them, each read or refused by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import orjson
import pytest

from tests.loopback import Fault, Loopback
from thoughtmill.schemas.errors import ReplyRefused, TeacherError
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.teachers.endpoint import Endpoint
from thoughtmill.tasks.teachers.protocol import Completion

PICO = "models/pico"
Build = Callable[..., Endpoint]


def chat(teacher: Endpoint, **sampling) -> Completion:
    async def run() -> Completion:
        try:
            asked = [{"role": "user", "content": "How many?"}]
            return await teacher.chat(asked, Sampling(**sampling), seed=1)
        finally:
            await teacher.close()

    return asyncio.run(run())


def reply(message: dict, finish: str = "stop", **fields) -> bytes:
    choice = {"message": message, "finish_reason": finish, **fields.pop("choice", {})}
    return orjson.dumps({"choices": [choice], **fields})


@pytest.mark.parametrize(
    ("message", "thought", "text"),
    [
        ({"content": "13", "reasoning_content": "6 + 7"}, "6 + 7", "13"),
        ({"content": "13", "reasoning": "6 + 7"}, "6 + 7", "13"),
        ({"content": None, "reasoning": "6 + 7"}, "6 + 7", ""),
        ({"content": [{"type": "text", "text": "1"}, {"type": "text", "text": "3"}]}, None, "13"),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "6 + 7"}]},
                    {"type": "text", "text": "13"},
                ]
            },
            "6 + 7",
            "13",
        ),
        (
            {"content": [{"type": "thinking", "thinking": "6"}, {"type": "text", "text": "13"}]},
            "6",
            "13",
        ),
    ],
)
def test_chat_when_a_thought_comes_in_any_shape_then_it_is_read(
    server: Loopback, build: Build, message, thought, text
) -> None:
    server.faults.append(Fault(body=reply(message)))
    done = chat(build())
    assert (done.reasoning, done.text) == (thought, text)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (reply({"content": ""}, "content_filter"), "content_filter"),
        (reply({"content": ""}, "SAFETY"), "content_filter"),
        (reply({"content": None}, "tool_calls"), "tool_call"),
        (reply({"content": None, "refusal": "I can't help with that."}), "refusal"),
        (reply({"content": 13}), "unknown_content"),
        (b'{"choices":[{"message":{"content":"half \\ud83d"}}]}', "broken_text"),
        (b'{"choices":[{"message":{"content":"bad \xff"}}]}', "broken_text"),
    ],
)
def test_chat_when_a_reply_is_no_completion_then_it_is_refused_by_name(
    server: Loopback, build: Build, body, reason
) -> None:
    server.faults.append(Fault(body=body))
    with pytest.raises(ReplyRefused) as caught:
        chat(build())
    assert caught.value.reason == reason
    assert len(server.seen) == 1


def test_chat_when_a_reply_begins_with_a_byte_order_mark_then_it_is_read(
    server: Loopback, build: Build
) -> None:
    server.faults.append(Fault(body=b"\xef\xbb\xbf" + reply({"content": "13"})))
    assert chat(build()).text == "13"


@pytest.mark.parametrize(("body", "what"), [(b"<html></html>", "HTML"), (b"", "empty reply")])
def test_chat_when_the_body_is_a_page_or_nothing_then_the_error_says_so(
    server: Loopback, build: Build, body, what
) -> None:
    server.faults.append(Fault(body=body))
    with pytest.raises(TeacherError, match=what):
        chat(build(tries=1))


def test_chat_when_a_thought_is_counted_and_not_shown_then_it_is_hidden(
    server: Loopback, build: Build
) -> None:
    usage = {"completion_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 30}}
    server.faults.append(Fault(body=reply({"content": "13"}, usage=usage)))
    server.faults.append(Fault(body=reply({"content": "13", "reasoning": "6 + 7"}, usage=usage)))
    done = chat(build())
    assert (done.hidden_tokens, done.reasoning_tokens) == (30, 30)
    assert chat(build()).hidden_tokens == 0


def test_chat_when_the_server_keeps_or_ignores_the_stop_string_then_it_is_cut_off(
    server: Loopback, build: Build
) -> None:
    for text in ("6 + 7</think>", "6 + 7</think>13"):
        server.faults.append(Fault(body=reply({"content": text})))
        done = chat(build(), stop=("</think>",))
        assert (done.text, done.stopped_by) == ("6 + 7", "</think>")


def test_chat_when_the_server_refuses_fields_for_token_ids_then_it_is_asked_without_them(
    server: Loopback, build: Build
) -> None:
    detail = [{"loc": ["body", "return_token_ids"], "msg": "Extra inputs are not permitted"}]
    server.faults.append(Fault(422, orjson.dumps({"detail": detail})))
    chat(build(tokenizer=PICO), stop=("</think>",))
    first, second = (seen.body for seen in server.seen)
    assert first["return_token_ids"] is True
    assert len(first["stop_token_ids"]) == 1
    assert not {"return_token_ids", "stop_token_ids"} & second.keys()


def test_chat_when_a_refusal_has_fastapis_shape_then_the_drop_says_what_it_says(
    server: Loopback, build: Build
) -> None:
    detail = [{"loc": ["body", "top_k"], "msg": "Extra inputs are not permitted"}]
    server.faults.append(Fault(422, orjson.dumps({"detail": detail})))
    with pytest.raises(TeacherError, match=r"422 body\.top_k: Extra inputs"):
        chat(build())


def test_chat_when_the_limit_is_beyond_the_servers_context_then_it_is_cut(
    server: Loopback, build: Build
) -> None:
    listed = {"data": [{"id": server.model, "max_model_len": 200}]}
    server.models = Fault(body=orjson.dumps(listed))
    said = {"message": "maximum context length is 200 tokens", "code": 400}
    server.faults.append(Fault(400, orjson.dumps(said)))
    chat(build(), max_tokens=32_768)
    assert [seen.body.get("max_tokens") for seen in server.seen] == [32_768, None, None]


def test_chat_when_503_comes_from_a_server_that_served_then_it_is_waited_for(
    server: Loopback, build: Build
) -> None:
    async def run() -> str:
        teacher = build(tries=2)
        try:
            asked = [{"role": "user", "content": "still there"}]
            await teacher.chat(asked, Sampling(), seed=1)
            server.faults += [Fault(status) for status in (502, 503, 503, 504, 503)]
            return (await teacher.chat(asked, Sampling(), seed=2)).text
        finally:
            await teacher.close()

    assert "still there" in asyncio.run(run())

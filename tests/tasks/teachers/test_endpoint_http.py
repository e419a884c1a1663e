"""What the teacher does when the endpoint misbehaves, by what the server saw and the caller got."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest

from tests.loopback import Fault, Loopback, start
from thoughtmill.schemas.errors import ConfigError, TeacherDown, TeacherError
from thoughtmill.schemas.teachers import EndpointTeacher, Sampling
from thoughtmill.tasks.teachers.endpoint import Endpoint, check_endpoint
from thoughtmill.tasks.teachers.protocol import Completion

KEY = "sk-very-secret-0123456789"
Build = Callable[..., Endpoint]


def chats(teacher: Endpoint, count: int = 1) -> list[Completion]:
    """`count` different chats at once; the first failure is raised as it is."""

    async def run() -> list[Completion]:
        requests = [
            teacher.chat([{"role": "user", "content": f"number {n}"}], Sampling(), seed=n)
            for n in range(count)
        ]
        try:
            return await asyncio.gather(*requests)
        finally:
            await teacher.close()

    return asyncio.run(run())


def check(server: Loopback, **fields: object) -> None:
    config = {"model": server.model, "base_url": server.url, **fields}
    asyncio.run(check_endpoint(EndpointTeacher.model_validate(config)))


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault(status) for status in (408, 409, 425, 429, 500, 502, 503)),
        Fault(kind="drop"),
        Fault(body=b"<html>not JSON"),
        Fault(body=b'{"error": {"code": 502}}'),
        Fault(body=b'{"choices": [null]}'),
        Fault(body=b'{"choices": [{"message": {"content": "So"}}], "error": {"code": 502}}'),
        Fault(body=b'{"choices": [{"message": {"content": "So"}, "error": {"code": 5}}]}'),
        Fault(body=b'{"choices": [{"message": {}, "finish_reason": "ERROR"}]}'),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{len(fault.body)}",
)
def test_chat_when_a_fault_may_pass_then_tried_again(
    server: Loopback, build: Build, fault: Fault
) -> None:
    server.faults.extend([fault, fault])
    assert chats(build())[0].text.startswith("Some thinking")
    assert len(server.seen) == 3
    assert server.seen[0].body == server.seen[2].body


def test_chat_when_server_hangs_then_timed_out_and_tried_again(
    server: Loopback, build: Build
) -> None:
    server.faults.append(Fault(kind="hang"))
    assert chats(build(timeout_s=0.1))[0].finish_reason == "stop"
    assert len(server.seen) == 2


def test_chat_when_tries_are_spent_then_error_names_endpoint_and_last_status(
    server: Loopback, build: Build
) -> None:
    server.faults.extend([Fault(500), Fault(500), Fault(503)])
    with pytest.raises(TeacherError) as caught:
        chats(build(tries=3))
    assert server.url in str(caught.value)
    assert "3 tries" in str(caught.value)
    assert "HTTP 503" in str(caught.value)
    assert len(server.seen) == 3


@pytest.mark.parametrize("status", [400, 405, 413, 422])
def test_chat_when_refused_for_good_then_not_tried_again(
    server: Loopback, build: Build, status: int
) -> None:
    server.faults.append(Fault(status, b'{"error": {"message": "no such field: top_k"}}'))
    with pytest.raises(TeacherError, match="no such field: top_k"):
        chats(build())
    assert len(server.seen) == 1


@pytest.mark.parametrize("in_date_form", [False, True])
def test_chat_when_retry_after_then_nobody_asks_before(
    server: Loopback, build: Build, in_date_form: bool
) -> None:
    wait_s = 0.5
    value = str(wait_s)
    if in_date_form:  # whole seconds: at least one from now
        value = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        wait_s = 0.9
    server.faults.append(Fault(429, headers={"Retry-After": value}))
    chats(build(max_concurrency=1), count=3)
    arrivals = [seen.at for seen in server.seen]
    assert len(arrivals) == 4
    assert all(at - arrivals[0] >= wait_s - 0.02 for at in arrivals[1:])


def test_chat_when_asked_to_wait_beyond_timeout_then_down(server: Loopback, build: Build) -> None:
    server.faults.append(Fault(429, headers={"Retry-After": "86400"}))
    with pytest.raises(TeacherDown, match="86400 s"):
        chats(build())


def test_chat_when_429_storm_then_fewer_at_once_and_nothing_lost(
    server: Loopback, build: Build
) -> None:
    server.most_active = 4
    server.delay_s = 0.005
    teacher = build(max_concurrency=64, tries=3)
    done = chats(teacher, count=300)
    assert [completion.text.split()[4] for completion in done] == [str(n) for n in range(300)]
    assert teacher.throttle.limit < 32
    assert teacher.throttle.active == 0
    asked = Counter(seen.body["seed"] for seen in server.seen)
    assert len(asked) == 300
    assert server.peak_active == 4


def test_chat_when_always_429_then_tries_are_spent(server: Loopback, build: Build) -> None:
    server.most_active = 0
    with pytest.raises(TeacherError, match="HTTP 429"):
        chats(build(tries=3), count=5)


def test_chat_when_max_concurrency_is_few_then_never_more_at_once(
    server: Loopback, build: Build
) -> None:
    server.delay_s = 0.01
    assert len(chats(build(max_concurrency=3), count=20)) == 20
    assert server.peak_active == 3


def test_chat_when_many_chats_then_connections_are_kept(server: Loopback, build: Build) -> None:
    server.delay_s = 0.001
    teacher = build(max_concurrency=2)
    chats(teacher, count=50)
    assert len(server.peers) <= 2


def test_chat_when_key_is_refused_then_down_and_names_the_variable(
    server: Loopback, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    server.key = "another"
    with pytest.raises(TeacherDown, match="LOOPBACK_KEY"):
        chats(build(api_key_env="LOOPBACK_KEY"))
    assert len(server.seen) == 1


def test_chat_when_server_wants_a_key_and_none_is_named_then_down_says_so(
    server: Loopback, build: Build
) -> None:
    server.key = KEY
    with pytest.raises(TeacherDown, match=r"teacher\.api_key_env"):
        chats(build())


def test_chat_when_key_is_right_then_sent_as_bearer(
    server: Loopback, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", f"{KEY}\n")
    server.key = KEY
    assert chats(build(api_key_env="LOOPBACK_KEY"))[0].finish_reason == "stop"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(400, orjson.dumps({"error": {"message": f"bad request by {KEY}"}})),
        Fault(401, orjson.dumps({"error": {"message": f"Incorrect key: {KEY}"}})),
        Fault(404, orjson.dumps({"error": {"message": f"no model for {KEY}"}})),
        Fault(500, orjson.dumps({"error": {"message": KEY}})),
        Fault(302, headers={"Location": f"/elsewhere?key={KEY}"}),
        Fault(kind="drop"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_error_when_any_then_the_key_is_nowhere_in_it(
    server: Loopback, build: Build, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    server.faults.append(fault)
    teacher = build(api_key_env="LOOPBACK_KEY", tries=1)
    with pytest.raises((TeacherError, TeacherDown)) as caught:
        chats(teacher)
    seen = [repr(teacher), repr(vars(teacher)), repr(vars(teacher._line))]
    link: BaseException | None = caught.value
    while link is not None:
        seen += [repr(link), str(link)]
        link = link.__cause__ or link.__context__
    assert KEY not in "".join(seen)


@pytest.mark.parametrize("fault", [Fault(400), Fault(503), Fault(kind="drop")])
def test_error_when_shown_with_its_local_variables_then_no_key_in_ours(
    server: Loopback, build: Build, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    server.faults.append(fault)
    with pytest.raises(TeacherError) as caught:
        chats(build(api_key_env="LOOPBACK_KEY", tries=1))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in shown.stack if "/tasks/teachers/endpoint" in frame.filename]
    assert len(ours) >= 2
    assert KEY not in repr([frame.locals for frame in ours])


def test_error_when_base_url_has_a_query_then_it_is_nowhere_in_it(
    server: Loopback, build: Build
) -> None:
    server.faults.append(Fault(500))
    with pytest.raises(TeacherError) as caught:
        chats(build(base_url=f"{server.url}?account=hunter2", tries=1))
    assert "hunter2" not in str(caught.value)
    assert "/v1:" in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://me:hunter2@example.org/v1",
        "https://hunter2@example.org/v1",
        "https://example.org/v1?api_key=hunter2",
        "https://example.org/v1?version=1&X-Amz-Signature=hunter2",
        "https://example.org/v1?access%5Ftoken=hunter2#top",
        "https://example.org/v1?sig=hunter2",
        "https://example.org/v1?hunter2token",
    ],
)
def test_config_when_base_url_holds_a_secret_then_refused_without_printing_it(
    base_url: str,
) -> None:
    with pytest.raises(ConfigError, match=r"^teacher\.base_url: .*api_key_env") as caught:
        EndpointTeacher(model="m", base_url=base_url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_config_when_base_url_has_a_harmless_query_or_at_sign_then_taken() -> None:
    for url in ("https://a.example/v1?api-version=2&design=x", "https://a.example/@cf/v1"):
        assert EndpointTeacher(model="m", base_url=url).base_url == url


def test_chat_when_model_is_unknown_then_down(server: Loopback, build: Build) -> None:
    server.faults.append(Fault(404, b'{"error": {"message": "no model x"}}'))
    with pytest.raises(TeacherDown, match=r"teacher\.model.*no model x"):
        chats(build())


@pytest.mark.parametrize("status", [403, 404])
def test_chat_when_one_is_refused_by_a_teacher_that_serves_then_no_more_than_that_one(
    server: Loopback, build: Build, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    said = orjson.dumps({"error": {"message": f"not for {KEY}"}})

    async def run() -> tuple[BaseException | Completion, ...]:
        teacher = build(api_key_env="LOOPBACK_KEY")
        done = []
        for fault in (None, Fault(status, said), None):
            server.faults.extend([fault] if fault else [])
            chat = teacher.chat([{"role": "user", "content": "hello"}], Sampling(), seed=1)
            done += await asyncio.gather(chat, return_exceptions=True)
        await teacher.close()
        return tuple(done)

    first, refused, last = asyncio.run(run())
    assert isinstance(first, Completion)
    assert isinstance(last, Completion)
    assert isinstance(refused, TeacherError)
    assert f"HTTP {status}" in str(refused)
    assert KEY not in str(refused)
    assert "LOOPBACK_KEY" not in str(refused)
    assert len(server.seen) == 3


def test_chat_when_a_teacher_that_served_refuses_the_key_then_down(
    server: Loopback, build: Build
) -> None:
    async def run() -> None:
        teacher = build()
        try:
            for _ in range(2):
                await teacher.chat([{"role": "user", "content": "hello"}], Sampling(), seed=1)
                server.key = KEY
        finally:
            await teacher.close()

    with pytest.raises(TeacherDown, match="HTTP 401"):
        asyncio.run(run())


def test_chat_when_quota_is_spent_then_down(server: Loopback, build: Build) -> None:
    server.faults.append(Fault(429, b'{"error": {"code": "insufficient_quota"}}'))
    with pytest.raises(TeacherDown, match="quota"):
        chats(build())


def test_chat_when_nothing_listens_then_down_after_all_tries(build: Build) -> None:
    with pytest.raises(TeacherDown, match=r"3 tries.*no connection"):
        chats(build(base_url="http://127.0.0.1:1/v1", tries=3))


async def after_an_outage(most: int, *, comes_back: bool) -> Completion:
    """A chat that begins when its server, which has served one, has gone."""
    server = Loopback()
    runner = await start(server)
    fields = {
        "model": server.model,
        "base_url": server.url,
        "tries": 2,
        "max_concurrency": most,
        "outage_s": 600.0 if comes_back else 0.3,
    }
    teacher = Endpoint(EndpointTeacher.model_validate(fields), backoff_s=0.01)
    try:
        await teacher.chat([{"role": "user", "content": "hello"}], Sampling(), seed=1)
        await runner.cleanup()
        waiting = asyncio.create_task(
            teacher.chat([{"role": "user", "content": "still there"}], Sampling(), seed=2)
        )
        # The limit is halved at each failure.
        while comes_back and teacher.throttle.limit > most / 2**5 and not waiting.done():
            await asyncio.sleep(0.01)
        if comes_back:
            runner = await start(server, port=int(server.url.split(":")[2].split("/")[0]))
        return await waiting
    finally:
        await teacher.close()
        await runner.cleanup()


def test_chat_when_a_server_that_served_is_out_for_a_while_then_waited_for() -> None:
    done = asyncio.run(after_an_outage(64, comes_back=True))
    assert "still there" in done.text


def test_chat_when_a_server_that_served_stays_away_then_down_by_the_clock() -> None:
    began = time.monotonic()
    with pytest.raises(TeacherDown, match=r"out of reach for .* no connection"):
        asyncio.run(after_an_outage(64, comes_back=False))
    assert time.monotonic() - began >= 0.3


def test_teacher_when_key_variable_is_unset_then_config_error(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOOPBACK_KEY", raising=False)
    with pytest.raises(ConfigError, match="LOOPBACK_KEY is not set"):
        build(api_key_env="LOOPBACK_KEY")


def test_check_when_server_lists_the_model_then_passes(server: Loopback) -> None:
    check(server)
    assert [seen.path for seen in server.seen] == ["/v1/models"]


def test_check_when_nothing_listens_then_config_error_at_once(server: Loopback) -> None:
    started = time.monotonic()
    with pytest.raises(ConfigError, match=r"^teacher\.base_url: nothing answers at http://127"):
        check(server, base_url="http://127.0.0.1:1/v1")
    assert time.monotonic() - started < 5


def test_check_when_model_is_not_listed_then_config_error_lists_what_is(server: Loopback) -> None:
    data = [{"id": f"model-{n}"} for n in range(8)]
    server.models = Fault(body=orjson.dumps({"data": data}))
    check(server)  # it answers all the same
    server.faults.append(Fault(404))
    with pytest.raises(ConfigError, match=r"^teacher\.model: .*model-0, .*and 3 more"):
        check(server)


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("listed", ["owner/loopback", "owner/loopback:fast"])
def test_check_when_list_is_bare_or_the_model_has_a_variant_then_passes(
    server: Loopback, bare: bool, listed: str
) -> None:
    data = [{"id": "another"}, {"id": listed}]
    server.models = Fault(body=orjson.dumps(data if bare else {"data": data}))
    check(server, model="owner/loopback:fast")
    server.faults.append(Fault(404))
    with pytest.raises(ConfigError, match=r"^teacher\.model: "):
        check(server, model="owner/loop:fast")


def test_check_when_server_has_no_models_route_then_passes(server: Loopback) -> None:
    server.models = Fault(404)
    check(server)


def test_check_when_server_is_no_api_then_config_error(server: Loopback) -> None:
    server.models = Fault(body=b"<html>hello</html>")
    with pytest.raises(ConfigError, match=r"^teacher\.base_url: .*/v1"):
        check(server)


def test_check_when_key_is_missing_or_refused_then_config_error(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOOPBACK_KEY", raising=False)
    with pytest.raises(ConfigError, match="LOOPBACK_KEY is not set"):
        check(server, api_key_env="LOOPBACK_KEY")
    server.key = "another"
    monkeypatch.setenv("LOOPBACK_KEY", KEY)
    with pytest.raises(ConfigError, match="LOOPBACK_KEY") as caught:
        check(server, api_key_env="LOOPBACK_KEY")
    assert KEY not in str(caught.value)

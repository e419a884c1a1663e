"""Requests to an OpenAI-compatible server: turns, retries, backoff.

It owns the connections and the key; it never logs.  No error is raised from an aiohttp one: those
carry the request's headers, and so the key.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from aiohttp.helpers import get_env_proxy_for_url
from pydantic import SecretStr
from yarl import URL

from thoughtmill.schemas.errors import ConfigError, TeacherDown, TeacherError
from thoughtmill.schemas.teachers import EndpointTeacher
from thoughtmill.tasks.teachers.endpoint_reply import usage_in
from thoughtmill.tasks.teachers.refusals import Fault, completion_in, read_reply
from thoughtmill.tasks.teachers.throttle import Throttle

_SAME_END = 0.05
_LONG_S = 5.0
_BACKOFF_CAP_S = 30.0
_QUEUED_PER_TRY = 10
_KEEPALIVE_S = 4.0  # under the 5 s of uvicorn and vLLM: a reused connection is one still open


class Line:
    """The way to one endpoint, shared by all requests of a worker.

    `backoff_s` is the longest wait before the second attempt; it doubles with each further one, up
    to 30 s, and the wait itself is drawn evenly from 0 to there ("full jitter", Brooker 2015).

    An endpoint out of reach is judged by the clock, for all requests together, once it has served;
    until then by the tries of one request, so that a wrong address shows soon.
    """

    def __init__(self, config: EndpointTeacher, *, backoff_s: float = 1.0) -> None:
        self._config = config
        self._base = _url_of(config)
        self._key = _read_key(config)
        self._backoff_s = backoff_s
        self._urls: dict[str, URL] = {}
        self._session: aiohttp.ClientSession | None = None
        self._lost_at: float | None = None  # the first failed connection since the last reply
        self.throttle = Throttle(config.max_concurrency, slow_s=config.timeout_s / 2)
        self.url = str(self._base.with_query(None))  # a query may hold a secret
        self.label = f"{config.model} at {self.url}"

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The server's JSON answer, which has at least one choice.

        Raises `PromptTooLong`, `RefusalError` and `TeacherError` for this request, `TeacherDown`
        where no other request would fare better.
        """
        payload = orjson.dumps(body)
        url = self._urls.get(path) or self._urls.setdefault(path, self._url(path))
        failed = unreachable = attempt = lost = 0
        served = self.throttle.served
        cut_s = 0.0
        while True:
            began = time.monotonic()
            answer = await self._attempt(url, payload, again=attempt + lost > 0)
            if isinstance(answer, dict):
                return answer
            took_s = time.monotonic() - began
            if answer.outage:
                if took_s > _LONG_S and abs(took_s - cut_s) < _SAME_END * took_s:
                    raise TeacherError(
                        f"{self.label}: {answer.what} twice after {took_s:.0f} s: something on the"
                        " way ends long requests; lower sampling.max_tokens or raise its limit"
                    )
                cut_s = took_s
            # While others are served, a 503 is about this request.
            alone = answer.outage and served == self.throttle.served and self._lost_at is not None
            if (answer.unreachable or alone) and self.throttle.served:
                self._check_outage(answer)
                lost += 1
                await self._back_off(answer, lost)
                continue
            attempt += 1
            unreachable += answer.unreachable
            # A 429 is a place in a queue, not a failed attempt, as long as others are served.
            failed += not (answer.busy and self.throttle.served > served)
            served = self.throttle.served
            if failed >= self._config.tries or attempt >= self._config.tries * _QUEUED_PER_TRY:
                break
            # The throttle slows those who queue: their own waits grow four times slower.
            await self._back_off(answer, failed + (attempt - failed) // 4)
        error = TeacherDown if unreachable == attempt else TeacherError
        raise error(f"{self.label}: no answer after {attempt} tries; the last got {answer.what}")

    async def get(self, path: str, *, timeout_s: float) -> tuple[int, bytes]:
        """Status and body of one GET, without retries.  Raises `OSError` or `TimeoutError`."""
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self._open().get(
                self._url(path), timeout=timeout, allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except aiohttp.ClientError as exc:
            failure = type(exc).__name__
        raise ConnectionError(failure)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def key_advice(self) -> str:
        """What to change where the server does not accept the key."""
        name = self._config.api_key_env
        if name is None:
            return "set teacher.api_key_env to the environment variable that holds a key"
        return f"it does not accept the key in the environment variable {name}"

    async def _attempt(self, url: URL, payload: bytes, *, again: bool) -> dict[str, Any] | Fault:
        """One request in its turn.  What it teaches the throttle comes before the next turn."""
        throttle = self.throttle
        round_ = await throttle.enter(again=again)
        started = time.monotonic()
        try:
            answer = await self._send(url, payload)
            if isinstance(answer, dict):
                seconds = time.monotonic() - started
                throttle.answered(round_, seconds, usage_in(answer).completion_tokens or 0)
                return answer
            throttle.refused(round_)
            if answer.retry_after_s is not None:
                self._pause(answer.retry_after_s)
            return answer
        finally:
            throttle.leave()

    async def _send(self, url: URL, payload: bytes) -> dict[str, Any] | Fault:
        try:
            async with self._open().post(url, data=payload, allow_redirects=False) as response:
                if response.status not in (502, 503, 504):
                    self._lost_at = None
                elif self._lost_at is None:
                    self._lost_at = time.monotonic()
                raw = await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as exc:
            self._lost_at = self._lost_at or time.monotonic()
            return Fault(f"no connection ({type(exc).__name__})", unreachable=True)
        except TimeoutError:
            return Fault(f"no reply within {self._config.timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as exc:
            return Fault(f"a broken connection ({type(exc).__name__})")
        if response.status == 200:
            return completion_in(raw)
        return self._understood(response.status, response.headers, raw)

    def _understood(self, status: int, headers: Mapping[str, str], raw: bytes) -> Fault:
        """The fault behind a reply that is not 200; raises where no retry will change it."""
        served = self.throttle.served > 0
        meaning = read_reply(status, headers.get("Retry-After"), raw, key=self._key, served=served)
        if isinstance(meaning, Fault):
            return meaning
        about_key = status in (401, 403) and isinstance(meaning, TeacherDown)
        advice = f", {self.key_advice}" if about_key else ""
        raise type(meaning)(f"{self.label}: {meaning}{advice}")

    def _check_outage(self, fault: Fault) -> None:
        """Raise `TeacherDown` where no request has had a reply for `outage_s`."""
        if self._lost_at is None:
            return  # another request has been answered since
        lost_s = time.monotonic() - self._lost_at
        if lost_s >= self._config.outage_s:
            raise TeacherDown(
                f"{self.label}: out of reach for {lost_s:.0f} s; the last try got {fault.what}"
            )

    def _pause(self, asked_s: float) -> None:
        """Hold every request back as long as the server asks."""
        if asked_s > self._config.timeout_s:
            raise TeacherDown(f"{self.label}: asks to wait {asked_s:.0f} s, more than timeout_s")
        self.throttle.pause(asked_s)

    async def _back_off(self, fault: Fault, failed: int) -> None:
        ceiling = self._backoff_s
        if fault.retry_after_s is None:
            ceiling = min(_BACKOFF_CAP_S, ceiling * 2.0 ** min(max(failed - 1, 0), 16))
        await asyncio.sleep((fault.retry_after_s or 0.0) + random.uniform(0.0, ceiling))

    def _url(self, path: str) -> URL:
        return (self._base / path).with_query(self._base.query)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            config = self._config
            headers = {"Content-Type": "application/json"}
            if self._key is not None:
                bearer = "Bearer " if config.api_key_header == "Authorization" else ""
                headers[config.api_key_header] = bearer + self._key.get_secret_value()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=config.max_concurrency,
                    keepalive_timeout=_KEEPALIVE_S,
                    ttl_dns_cache=300,
                ),
                timeout=aiohttp.ClientTimeout(
                    total=config.timeout_s, sock_connect=min(30.0, config.timeout_s)
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=headers,
                **_proxy(self._base),
            )
        return self._session


def _read_key(config: EndpointTeacher) -> SecretStr | None:
    """The key from the environment; `ConfigError` where the variable named is not set."""
    name = config.api_key_env
    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise ConfigError(
            f"teacher.api_key_env: the environment variable {name} is not set; export it, or leave"
            " api_key_env out for a server without keys"
        )
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"teacher.api_key_env: {name} holds characters that no key has")
    return SecretStr(key)


def _url_of(config: EndpointTeacher) -> URL:
    try:
        url = URL(config.base_url)
    except ValueError:
        url = URL()
    if not url.host:
        raise ConfigError("teacher.base_url: not a URL; write it as http://HOST:PORT/v1")
    return url


def _proxy(base: URL) -> dict[str, Any]:
    """The environment's proxy for this URL, looked up once: aiohttp would at each request."""
    try:
        proxy, auth = get_env_proxy_for_url(base)
    except LookupError:
        return {}
    return {"proxy": proxy, "proxy_auth": auth}

"""A small OpenAI-compatible server on loopback, for tests and benchmarks.

Its model writes a thought about the last words of the prompt; one token is one UTF-8 byte.

    python -m tests.loopback --port 0 --delay 0.05
"""

from __future__ import annotations

import argparse
import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from aiohttp import web

_END = 256
_HANG_S = 60.0
Body = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """One misbehaviour, spent on one request."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["reply", "hang", "drop"] = "reply"
    """Send `status`, `headers` and `body`; never reply; or cut the connection."""


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    path: str
    at: float
    """`time.monotonic()` on arrival."""
    body: Body
    authorization: str | None


@dataclass
class Loopback:
    """What the server does, and what it was sent."""

    delay_s: float = 0.0
    model: str = "loopback"
    key: str | None = None
    """The only key it accepts; any where null."""
    reply: str = "Some thinking about {prompt}\n</think>"
    """`{prompt}` is replaced by the last four words of the prompt."""
    replies: Callable[[Body], str] | None = None
    """Writes the reply to a request's body, in place of `reply`."""
    split_reasoning: bool = False
    """Send what stands before `</think>` as `reasoning_content`."""
    usage: bool = True
    """Send `usage`."""
    returns_ids: bool = True
    """Honour `return_token_ids`."""
    logprobs: Literal["echo", "prompt_logprobs", "none"] = "echo"
    """How `echo` is answered."""
    context_tokens: int | None = None
    too_long: Callable[[int], Fault] | None = None
    """The reply to a prompt of so many tokens, above `context_tokens`."""
    most_active: int | None = None
    """Requests served at once; any more get a 429."""
    faults: deque[Fault] = field(default_factory=deque)
    """Misbehaviours for the next POSTs, in order."""
    models: Fault | None = None
    """The reply to `/models`, where it is not the list of one model."""
    record: bool = True
    url: str = ""
    active: int = 0
    peak_active: int = 0
    seen: list[Seen] = field(default_factory=list)
    peers: set[Any] = field(default_factory=set)
    """Addresses requests came from: one a connection."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one request."""
        raw = await request.read()
        body: Body = orjson.loads(raw) if raw else {}
        authorization = request.headers.get("Authorization")
        if self.record:
            self.seen.append(Seen(request.path, time.monotonic(), body, authorization))
            if request.transport is not None:
                self.peers.add(request.transport.get_extra_info("peername"))
        if self.key is not None and authorization != f"Bearer {self.key}":
            return _error(401, f"Incorrect API key provided: {authorization}", "invalid_api_key")
        if request.path == "/v1/models":
            if self.models is not None:
                return await self._misbehave(request, self.models)
            return _json({"object": "list", "data": [{"id": self.model, "object": "model"}]})
        if self.faults:
            return await self._misbehave(request, self.faults.popleft())
        if self.most_active is not None and self.active >= self.most_active:
            return _error(429, "slow down", "rate_limit_exceeded")
        self.active += 1
        self.peak_active = max(self.peak_active, self.active)
        try:
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            return await self._answer(request, body)
        finally:
            self.active -= 1

    async def _answer(self, request: web.BaseRequest, body: Body) -> web.StreamResponse:
        chat = request.path == "/v1/chat/completions"
        if not chat and request.path != "/v1/completions":
            return _error(404, "no such route", None)
        prompt_ids = _prompt_ids(body["messages"]) if chat else list(body["prompt"])
        if self.context_tokens is not None and len(prompt_ids) > self.context_tokens:
            assert self.too_long is not None
            return await self._misbehave(request, self.too_long(len(prompt_ids)))
        text, token_ids, finish = self._write(_text(prompt_ids), body)
        choice: Body = {"index": 0, "finish_reason": finish}
        answer: Body = {"id": "loopback-1", "model": self.model, "choices": [choice]}
        if self.usage:
            answer["usage"] = {
                "prompt_tokens": len(prompt_ids),
                "completion_tokens": len(token_ids),
                "total_tokens": len(prompt_ids) + len(token_ids),
            }
        if body.get("return_token_ids") and self.returns_ids:
            choice["token_ids"] = token_ids
            (answer if chat else choice)["prompt_token_ids"] = prompt_ids
        if chat:
            answer["object"] = "chat.completion"
            choice["message"] = self._message(text)
        else:
            answer["object"] = "text_completion"
            choice["text"] = text
            if body.get("echo"):
                self._echo(choice, prompt_ids + token_ids, len(prompt_ids))
        return _json(answer)

    def _write(self, prompt: str, body: Body) -> tuple[str, list[int], str]:
        """Text, token ids and finish reason, as a server cuts at stop strings and `max_tokens`."""
        text = self.reply.replace("{prompt}", " ".join(prompt.split()[-4:]))
        if self.replies is not None:
            text = self.replies(body)
        stops = body.get("stop") or ()
        found = [(at, s) for s in stops if (at := text.find(s)) >= 0]
        if found:
            at, stop = min(found)
            token_ids, text = list(text[: at + len(stop)].encode()), text[:at]
        else:
            token_ids = [*text.encode(), _END]
        limit = body.get("max_tokens")
        if limit is not None and len(token_ids) > limit:
            token_ids = token_ids[:limit]
            return _text(token_ids), token_ids, "length"
        return text, token_ids, "stop"

    def _message(self, text: str) -> Body:
        message: Body = {"role": "assistant", "content": text}
        if self.split_reasoning:
            thought, _, rest = text.partition("</think>")
            message |= {"content": rest, "reasoning_content": thought}
        return message

    def _echo(self, choice: Body, token_ids: list[int], prompt_count: int) -> None:
        """Log-probabilities -0.5, -1.0, … by position; null at the first token."""
        values = [None, *(-0.5 * at for at in range(1, len(token_ids)))]
        if self.logprobs == "echo":
            tokens = [chr(id_) for id_ in token_ids]
            choice["logprobs"] = {"tokens": tokens, "token_logprobs": values}
        elif self.logprobs == "prompt_logprobs":
            choice["prompt_logprobs"] = [
                None if value is None else {str(id_): {"logprob": value, "rank": 1}}
                for id_, value in zip(token_ids[:prompt_count], values, strict=False)
            ]

    async def _misbehave(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        if fault.kind == "hang":
            await asyncio.sleep(_HANG_S)
        if fault.kind == "drop":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=fault.status, body=fault.body, headers=fault.headers)


@contextmanager
def loopback_server(server: Loopback | None = None) -> Iterator[Loopback]:
    """Run a server in a thread of this process; `url` of what it yields ends in `/v1`."""
    server = server or Loopback()
    ready: threading.Event = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        runner = await start(server)
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    if not ready.wait(10):
        raise RuntimeError("the loopback server did not start")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def start(server: Loopback, *, port: int = 0) -> web.ServerRunner:
    """Serve in the running event loop until `cleanup()`; port 0 is any free one."""
    runner = web.ServerRunner(
        web.Server(server.handle, access_log=None), shutdown_timeout=0.05, handler_cancellation=True
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    host, bound = runner.addresses[0][:2]
    server.url = f"http://{host}:{bound}/v1"
    return runner


def _json(answer: Body) -> web.Response:
    return web.Response(body=orjson.dumps(answer), content_type="application/json")


def _error(status: int, message: str, code: str | None) -> web.Response:
    body = orjson.dumps({"error": {"message": message, "type": "error", "code": code}})
    return web.Response(status=status, body=body, content_type="application/json")


def _prompt_ids(messages: list[Body]) -> list[int]:
    """Bytes of the texts of a chat, one message a line."""
    texts = (
        content
        if isinstance(content := message["content"], str)
        else " ".join(part.get("text", "") for part in content)
        for message in messages
    )
    return list("\n".join(texts).encode())


def _text(token_ids: list[int]) -> str:
    return bytes(id_ for id_ in token_ids if id_ < _END).decode(errors="replace")


async def _serve(args: argparse.Namespace) -> None:
    parent = os.getppid()
    server = Loopback(delay_s=args.delay, record=False)
    runner = await start(server, port=args.port)
    print(server.url, flush=True)
    until = time.monotonic() + args.max_seconds
    while time.monotonic() < until and os.getppid() == parent:
        await asyncio.sleep(0.5)
    await runner.cleanup()


def main() -> None:
    """Serve until the parent process or `--max-seconds` is gone; the first line is the URL."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--max-seconds", type=float, default=600.0)
    args = parser.parse_args()
    import uvloop

    uvloop.run(_serve(args))


if __name__ == "__main__":
    main()

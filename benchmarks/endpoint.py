"""Request rate and client CPU of the endpoint teacher beside a bare aiohttp client and `openai`.

    python -m benchmarks.endpoint

A loopback server in its own process answers 20,000 chats after 50 ms each, 128 at a time.  Start-up
is left out: each client warms up first, and the contenders take turns.  `synthesize` is the whole
line, lake commit included; a Ray Data actor does no more than ask and write Parquet.  Two of either
share the 128 requests.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import openai
import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq
import uvloop

from benchmarks.line import documents, draw_all, fill
from thoughtmill.schemas.settings import EngineSettings
from thoughtmill.schemas.teachers import EndpointTeacher, Sampling
from thoughtmill.tasks.recipes import Thinking
from thoughtmill.tasks.runtime.cluster import ray_session
from thoughtmill.tasks.teachers.endpoint import Endpoint

Contender = Callable[[str, int, int], Coroutine[Any, Any, None]]
"""Gets `n` chats answered by the server at a base URL, so many at a time."""

MODEL = "loopback"
SAMPLING = Sampling(temperature=0.8, top_p=0.95, max_tokens=256, stop=("</think>",))
_MAX_SECONDS = 1800
_ACTOR_BATCH, _ACTOR_CALLS = 512, 4


@dataclass(frozen=True)
class Cost:
    """What one run of a contender took."""

    rows_per_s: float
    cpu_s_per_1000_rows: float
    """CPU seconds of the client; not a number where it was not taken."""


def messages(number: int) -> list[dict[str, str]]:
    """The chat of one row."""
    text = f"Problem {number}: how many apples are left of {number} after Ann ate three of them?"
    return [{"role": "user", "content": text}]


async def bare_aiohttp(base_url: str, n: int, concurrency: int) -> None:
    """The least a client can do: post JSON, read JSON."""
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        await _at_once(partial(_ask, session, base_url), n, concurrency)


async def _ask(session: aiohttp.ClientSession, base_url: str, number: int) -> str:
    body = {
        "model": MODEL,
        "messages": messages(number),
        "temperature": SAMPLING.temperature,
        "top_p": SAMPLING.top_p,
        "max_tokens": SAMPLING.max_tokens,
        "stop": SAMPLING.stop,
        "seed": number,
    }
    async with session.post(
        f"{base_url}/chat/completions",
        data=orjson.dumps(body),
        headers={"Content-Type": "application/json"},
    ) as response:
        answer = orjson.loads(await response.read())
    return str(answer["choices"][0]["message"]["content"])


async def endpoint_teacher(base_url: str, n: int, concurrency: int) -> None:
    """`Endpoint.chat`, as a recipe calls it."""
    teacher = Endpoint(EndpointTeacher(model=MODEL, base_url=base_url, max_concurrency=concurrency))

    async def ask(number: int) -> str:
        return (await teacher.chat(messages(number), SAMPLING, seed=number)).text

    await _at_once(ask, n, concurrency)
    await teacher.close()


async def openai_httpx(base_url: str, n: int, concurrency: int) -> None:
    """`openai.AsyncOpenAI` as it comes."""
    await _openai(openai.DefaultAsyncHttpxClient(), base_url, n, concurrency)


async def openai_aiohttp(base_url: str, n: int, concurrency: int) -> None:
    """`openai.AsyncOpenAI` over its aiohttp transport."""
    await _openai(openai.DefaultAioHttpClient(), base_url, n, concurrency)


CONTENDERS: dict[str, Contender] = {
    "bare aiohttp": bare_aiohttp,
    "Endpoint.chat": endpoint_teacher,
    "openai (httpx)": openai_httpx,
    "openai (aiohttp)": openai_aiohttp,
}


async def _openai(http_client: Any, base_url: str, n: int, concurrency: int) -> None:
    async with openai.AsyncOpenAI(
        api_key="none", base_url=base_url, http_client=http_client
    ) as client:

        async def ask(number: int) -> str:
            answer = await client.chat.completions.create(
                model=MODEL,
                messages=messages(number),  # type: ignore[arg-type]
                temperature=SAMPLING.temperature,
                top_p=SAMPLING.top_p,
                max_tokens=SAMPLING.max_tokens,
                stop=list(SAMPLING.stop),
                seed=number,
            )
            return str(answer.choices[0].message.content)

        await _at_once(ask, n, concurrency)


async def _at_once(ask: Callable[[int], Awaitable[str]], n: int, concurrency: int) -> None:
    """Ask for rows 0 to n - 1, `concurrency` at a time, without a task for each."""
    numbers = iter(range(n))

    async def work() -> None:
        for number in numbers:
            if not await ask(number):
                raise RuntimeError(f"row {number} came back empty")

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())


@contextmanager
def server(delay_s: float) -> Iterator[str]:
    """The loopback server in a process of its own; gives its base URL."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.loopback", "--port", "0"),
            *("--delay", str(delay_s), "--max-seconds", str(_MAX_SECONDS)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)


def measure(contender: Contender, base_url: str, n: int, concurrency: int) -> Cost:
    """One run, after a warm-up that is not counted."""
    uvloop.run(contender(base_url, min(n, 2 * concurrency), concurrency))
    cpu, wall = time.process_time(), time.perf_counter()
    uvloop.run(contender(base_url, n, concurrency))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(rows_per_s=n / wall, cpu_s_per_1000_rows=1000 * cpu / n)


class RayDataActor:
    """What one writes by hand with Ray Data: large batches, and a limit on requests."""

    def __init__(self, base_url: str, concurrency: int) -> None:
        self._base_url, self._limit, self._session = base_url, concurrency, None

    async def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._limit)
            self._session = aiohttp.ClientSession(connector=connector)
        began = time.time()
        asked = (_ask(self._session, self._base_url, int(n)) for n in batch["id"])
        texts = await asyncio.gather(*asked)
        return {"text": texts, "started_at": [began] * len(texts)}


def measure_ray_data(base_url: str, n: int, concurrency: int, *, workers: int = 1) -> Cost:
    """The actors over `n` rows, from the first request until their Parquet files are written."""
    import ray

    with tempfile.TemporaryDirectory() as folder, ray_session(None):
        rows = ray.data.range(n, override_num_blocks=max(1, n // _ACTOR_BATCH))
        rows.map_batches(
            RayDataActor,
            fn_constructor_args=(base_url, concurrency // workers),
            batch_size=_ACTOR_BATCH,
            compute=ray.data.ActorPoolStrategy(
                size=workers,
                max_tasks_in_flight_per_actor=_ACTOR_CALLS,
                max_concurrent_calls_per_actor=_ACTOR_CALLS,
            ),
        ).write_parquet(folder)
        ended = time.time()
        began = pq.read_table(folder, columns=["started_at"]).column(0)
    return Cost(n / (ended - pc.min(began).as_py()), float("nan"))


def measure_line(base_url: str, n: int, concurrency: int, *, workers: int = 1) -> Cost:
    """The whole engine stage: Ray Data, the recipe, the endpoint teacher, shards and commits.

    Rows per second count from the first draw until the last row is in the lake; CPU is that of
    this process and of all of Ray's, from the first shard to the last.
    """
    each = concurrency // workers
    teacher = EndpointTeacher(
        model=MODEL, base_url=base_url, max_concurrency=each, tokenizer="models/pico"
    )
    recipe = Thinking(sampling=SAMPLING, min_thinking_tokens=0)
    engine = EngineSettings(in_flight=each, workers=workers)
    with tempfile.TemporaryDirectory() as folder, fill(Path(folder), documents(n, 3)) as lake:
        figures = draw_all(lake, recipe, teacher, engine, "bench")
    if figures.rows != n:
        raise RuntimeError(f"{figures.rows} of {n} rows settled")
    return Cost(n / figures.seconds, 1000 * figures.cpu_s / figures.rows)


LINES: dict[str, Callable[[str, int, int], Cost]] = {
    "Ray Data, 1 actor": measure_ray_data,
    "synthesize, 1 worker": measure_line,
    "Ray Data, 2 actors": partial(measure_ray_data, workers=2),
    "synthesize, 2 workers": partial(measure_line, workers=2),
}


def main() -> None:
    """Print medians of all contenders, and ratios against the first."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    costs: dict[str, list[Cost]] = {name: [] for name in (*CONTENDERS, *LINES)}
    with server(args.delay) as base_url:
        for _ in range(args.repeats):
            for name, contender in CONTENDERS.items():
                costs[name].append(measure(contender, base_url, args.requests, args.concurrency))
            for name, line in LINES.items():
                costs[name].append(line(base_url, args.requests, args.concurrency))
    print(f"{'client':<24}{'rows/s':>10}{'ratio':>8}{'CPU s/1000':>12}{'ratio':>8}")
    first: tuple[float, float] | None = None
    for name, runs in costs.items():
        rate = statistics.median(cost.rows_per_s for cost in runs)
        cpu = statistics.median(cost.cpu_s_per_1000_rows for cost in runs)
        first = first or (rate, cpu)
        print(f"{name:<24}{rate:>10.0f}{rate / first[0]:>8.2f}{cpu:>12.3f}{cpu / first[1]:>8.2f}")


if __name__ == "__main__":
    from thoughtmill.tasks.runtime.environment import default_environment

    default_environment()
    main()

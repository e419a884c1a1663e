"""Whatever a server or a recipe sends back, a draw ends as rows that the lake takes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, ClassVar, Literal

import orjson
import pyarrow.parquet as pq
import pytest

from tests.loopback import Fault, loopback_server
from thoughtmill.schemas.claims import TraceClaim
from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.rows import Drop, Item, Segment, Trace, Verdict
from thoughtmill.schemas.teachers import EndpointTeacher, Sampling, ScriptedTeacher
from thoughtmill.tasks.recipes import Solve, Thinking
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.recipe import Recipe
from thoughtmill.tasks.synthesis.attempt import attempt
from thoughtmill.tasks.synthesis.worker import lane_of
from thoughtmill.tasks.teachers import start
from thoughtmill.tasks.teachers.endpoint import Endpoint
from thoughtmill.warehouse.shards import write_draws
from thoughtmill.warehouse.storage import Storage

PICO = "models/pico"
REPLIES = 10_000


class Continue(Recipe):
    """Goes on after a prompt of token ids."""

    claim: ClassVar[TraceClaim] = "muses"
    kind: Literal["continue"] = "continue"
    sampling: Sampling = Sampling(max_tokens=64)

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop]:
        said = await kit.extend(kit.tokens.encode(item.text))
        told = Segment(kind="think", text=said.text, token_ids=said.token_ids, trainable=True)
        meta = {"reasoning_tokens": str(said.reasoning_tokens)}
        return [kit.trace([told], finish_reason=said.finish_reason, meta=meta)]


RECIPES = (Solve(), Thinking(), Continue())
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 12.0, 12.5, 1e300, -0.0, 2**31, 2**63, 2**64 - 1),
    *("", "12", "-3", "1e3", "NaN", "\x00", "\u202e", "x" * 5000, "</think>", "\u0663"),
    *([], [None], [1.0], [2**40], [-1], ["7"], [[1]], [True], [{}], {}, {"text": 3}),
    *({"type": "text", "text": None}, {"tokens": 3}, [{"type": "text"}], [3, "a"]),
)


def good(rng: random.Random) -> dict[str, Any]:
    """A reply of vLLM's shape, for both routes at once."""
    text = "Six and seven are thirteen.</think> So \\boxed{13}"
    ids = [rng.randrange(300) for _ in range(12)]
    usage: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
    usage["completion_tokens_details"] = {"reasoning_tokens": 6}
    message = {"role": "assistant", "content": text, "reasoning_content": None, "refusal": None}
    choice = {"index": 0, "message": message, "text": text, "finish_reason": "stop"}
    choice |= {"token_ids": ids, "stop_reason": None, "prompt_token_ids": ids, "logprobs": None}
    return {"id": "1", "choices": [choice], "usage": usage, "prompt_token_ids": ids}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container of a JSON value, with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def fuzzed(rng: random.Random) -> bytes:
    """A good reply with up to three values replaced, removed or cut off."""
    reply = good(rng)
    for _ in range(rng.randrange(1, 4)):
        container, key = rng.choice(list(places(reply)))
        if isinstance(container, dict) and rng.random() < 0.2:
            del container[key]
        else:
            container[key] = deepcopy(rng.choice(HOSTILE))
    raw = orjson.dumps(reply)
    if rng.random() < 0.05:
        raw = raw[: rng.randrange(len(raw) + 1)]
    if rng.random() < 0.02:
        raw = b'{"choices":' + b"[" * 100_000
    return raw


def kit_for(recipe: Recipe, teacher: Any, draw: int) -> Kit:
    lane = lane_of("run", recipe, teacher.identity)
    name = trace_id("item", lane.recipe_fingerprint, lane.teacher_fingerprint, draw)
    return Kit(teacher, lane, "item", draw, name)


def problem() -> Item:
    return Item(item_id="item", kind="problem", text="6 + 7 = ?", reference="13", source="sums")


def test_attempt_when_a_server_sends_anything_then_each_sample_ends_in_rows_that_are_written(
    tmp_path,
):
    rng = random.Random(14)
    ended: list[Trace | Drop | Verdict] = []

    async def sample(recipe: Recipe, teacher: Endpoint, draw: int, turn: asyncio.Semaphore) -> None:
        async with turn:
            ended.extend(await attempt(recipe, problem(), kit_for(recipe, teacher, draw), 60.0))

    async def run(server) -> None:
        turn = asyncio.Semaphore(32)
        config = {"model": server.model, "base_url": server.url, "tries": 1}
        plain, with_ids = (
            Endpoint(EndpointTeacher.model_validate(fields), backoff_s=0.0)
            for fields in (config, config | {"tokenizer": PICO})
        )
        draws = (
            sample(RECIPES[n % 3], with_ids if n % 3 or n % 2 else plain, n, turn)
            for n in range(REPLIES)
        )
        await asyncio.gather(*draws)
        await plain.close()
        await with_ids.close()

    with loopback_server() as server:
        server.record = False
        server.faults.extend(Fault(body=fuzzed(rng)) for _ in range(REPLIES))
        asyncio.run(run(server))
        assert not server.faults  # all of them were read

    settled = Counter(type(row).__name__ for row in ended)
    assert settled["Trace"] + settled["Drop"] == REPLIES
    assert settled["Trace"] > REPLIES / 10
    assert settled["Drop"] > REPLIES / 10
    broken = [row.detail for row in ended if isinstance(row, Drop) and row.reason == "recipe_error"]
    assert not broken, broken[:3]
    storage = Storage(str(tmp_path))
    write_draws(storage, run_id="run", lane="lane", ended=ended, scores=(), slots=range(REPLIES))
    written = sum(pq.read_metadata(path).num_rows for path in tmp_path.rglob("*.parquet"))
    assert written == REPLIES


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Odd(Recipe):
    """Returns, or raises, what no recipe should."""

    claim: ClassVar[TraceClaim] = "muses"
    kind: Literal["odd"] = "odd"

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop]:
        match item.text:
            case "none":
                return None  # type: ignore[return-value]
            case "empty":
                return []
            case "text":
                return ["thirteen"]  # type: ignore[list-item]
            case "surrogate":
                raise ValueError("half a character \ud83d")
        raise Unprintable()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("none", "returned NoneType"),
        ("empty", "neither a trace nor a drop"),
        ("text", "returned str among its rows"),
        ("surrogate", "ValueError: half a character ?"),
        ("unprintable", "Unprintable"),
    ],
)
def test_attempt_when_a_recipe_breaks_in_any_way_then_there_is_a_drop_that_tells_of_it(text, told):
    teacher = start(ScriptedTeacher())
    item = problem().model_copy(update={"text": text})
    (drop,) = asyncio.run(attempt(Odd(), item, kit_for(Odd(), teacher, 0), 5.0))
    assert isinstance(drop, Drop)
    assert drop.reason == "recipe_error"
    assert told in drop.detail

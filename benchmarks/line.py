"""The engine stage for a benchmark: items in, rows in a lake, and what it took.  No Prefect."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.rows import Item
from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.schemas.teachers import TeacherConfig, VllmTeacher
from thoughtmill.tasks.recipes import AnyRecipe
from thoughtmill.tasks.runtime.cluster import ray_session
from thoughtmill.tasks.synthesis.stage import stream_draws
from thoughtmill.tasks.synthesis.worker import Job, lane_of
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.warehouse.commit import Committer
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.plan import plan_draws
from thoughtmill.warehouse.shards import ITEMS_LANE, write_items

_SHARD = 50_000


@dataclass(frozen=True)
class Figures:
    """What a run of the engine stage took, start-up left out."""

    rows: int
    tokens: int
    seconds: float
    """From the start of the first draw until the last row was in the lake."""
    generating_s: float
    """From the start of the first draw until the end of the last."""
    cpu_s: float
    """CPU seconds of this process and all below it, from the first shard to the last."""


def documents(count: int, words: int) -> Iterator[Item]:
    """Distinct short documents."""
    for number in range(count):
        text = f"Note {number}. " + " ".join(
            f"item {number * 7 + word} weighs {word + number % 9} grams;" for word in range(words)
        )
        yield Item(item_id=content_hash(text), kind="document", text=text, source="bench")


def fill(folder: Path, items: Iterator[Item]) -> Lake:
    """A new lake with `items` in it."""
    lake = Lake.create(LakeSettings.model_validate(str(folder)))
    committer = Committer(lake, "fill", ITEMS_LANE)
    while batch := list(islice(items, _SHARD)):
        committer.commit(
            write_items(lake.storage, run_id="fill", source="bench", items=batch, drops=[])
        )
    return lake


def draw_all(
    lake: Lake, recipe: AnyRecipe, teacher: TeacherConfig, engine: EngineSettings, run_id: str
) -> Figures:
    """Draw every item once, through Ray, the worker and the commit."""
    who = identify(teacher)
    lane = lane_of(run_id, recipe, who)
    plan = plan_draws(
        lake,
        run_id,
        recipe_fingerprint=lane.recipe_fingerprint,
        teacher_fingerprint=lane.teacher_fingerprint,
        draws=1,
    )
    committer = Committer(lake, run_id, lane.name, plan.pending, plan.since)
    job = Job(lane, recipe, teacher, (), engine, lake.settings.data)
    landed, cpu = 0.0, []
    with ray_session(None):
        url = lake.storage.url(plan.folder)
        for manifest in stream_draws(job, url, plan.pending, stopping=lambda: False):
            if manifest is not None:
                committer.commit(manifest)
                landed = time.time()
                cpu.append(_cpu_seconds())
    first, last, tokens = lake.rows(
        "SELECT min(provenance.started_at), max(provenance.started_at + provenance.seconds), "
        "sum(provenance.completion_tokens) FROM traces WHERE provenance.run_id = ?",
        [run_id],
    )[0]
    return Figures(committer.settled, int(tokens), landed - first, last - first, cpu[-1] - cpu[0])


def _cpu_seconds() -> float:
    """CPU time of this process and its descendants, but for the benchmark's own server."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with suppress(psutil.Error):
            if "tests.loopback" not in process.cmdline():
                times = process.cpu_times()
                total += times.user + times.system
    return total


def generate(
    teacher: VllmTeacher, prompts: Sequence[Any], parameters: Sequence[Any]
) -> dict[str, float]:
    """`LLM.generate` on an engine set up as a worker's; seconds of the call, and output tokens."""
    from vllm import LLM

    engine = LLM(
        model=teacher.model,
        tokenizer=teacher.tokenizer,
        dtype=teacher.dtype,
        max_model_len=teacher.max_model_len,
        max_num_seqs=teacher.max_num_seqs,
        enforce_eager=True,
        enable_chunked_prefill=False,
        generation_config="vllm",
    )
    began = time.perf_counter()
    outputs = engine.generate(prompts, parameters, use_tqdm=False)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "tokens": sum(len(o.outputs[0].token_ids) for o in outputs)}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)

"""Output tokens per second of `synthesize` beside `LLM.generate`: same prompts, same sampling.

    python -m benchmarks.throughput

Both run pico on vLLM's CPU build, each in a process of its own, taking turns.  Ours is timed from
the start of the first draw to the end of the last, `LLM.generate` for its whole call; neither
counts its start-up.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.line import documents, draw_all, fill, generate, table
from thoughtmill.schemas.ids import seed_of, trace_id
from thoughtmill.schemas.settings import EngineSettings
from thoughtmill.schemas.teachers import Sampling, VllmTeacher
from thoughtmill.tasks.recipes import Thinking

TEACHER = VllmTeacher(model="models/pico", dtype="float32", max_model_len=2048)
RECIPE = Thinking(
    sampling=Sampling(temperature=0.6, top_p=0.9, max_tokens=256), min_thinking_tokens=0
)
WORDS = 12


def ours(prompts: int) -> dict[str, float]:
    """The engine stage: Ray Data, the worker's loop, shards and commits."""
    with (
        tempfile.TemporaryDirectory() as folder,
        fill(Path(folder), documents(prompts, WORDS)) as lake,
    ):
        figures = draw_all(lake, RECIPE, TEACHER, EngineSettings(), "bench")
        dropped = lake.one("SELECT coalesce(sum(completion_tokens), 0) FROM drops")
        return {"tokens": figures.tokens + int(dropped), "seconds": figures.generating_s}


def theirs(prompts: int) -> dict[str, float]:
    """`LLM.generate` over the whole list, as a script would call it."""
    os.environ["VLLM_CPU_KVCACHE_SPACE"] = str(TEACHER.cpu_kv_cache_gib)
    from vllm import SamplingParams

    from thoughtmill.tasks.teachers.identity import identify
    from thoughtmill.tasks.teachers.tokens import HfTokens

    tokens = HfTokens(TEACHER.model)
    who = identify(TEACHER)
    teacher = who.fingerprint(RECIPE.sampling)
    sampling = RECIPE.sampling.merged(who.defaults)
    asked, parameters = [], []
    for item in documents(prompts, WORDS):
        text = RECIPE.prompt.replace("{document}", item.text)
        asked.append({"prompt_token_ids": tokens.render([{"role": "user", "content": text}])})
        name = trace_id(item.item_id, RECIPE.fingerprint, teacher, 0)
        values = sampling.model_dump(exclude_none=True, exclude={"stop"})
        parameters.append(SamplingParams(**values, seed=seed_of(name), stop=["</think>"]))
    return generate(TEACHER, asked, parameters)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=768)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(globals()[arguments.one](arguments.prompts)))
        return
    rates: dict[str, list[float]] = {"theirs": [], "ours": []}
    for _ in range(arguments.repeats):
        for name, found in rates.items():
            figures = _in_a_process(name, arguments.prompts)
            found.append(figures["tokens"] / figures["seconds"])
    base = statistics.median(rates["theirs"])
    mine = statistics.median(rates["ours"])
    pairs = [a / b for a, b in zip(rates["ours"], rates["theirs"], strict=True)]
    print(
        table(
            ["engine", "output tokens/s", "ratio"],
            [
                ["LLM.generate", f"{base:,.0f}", "1.00"],
                ["synthesize", f"{mine:,.0f}", f"{statistics.median(pairs):.2f}"],
            ],
        )
    )


def _in_a_process(name: str, prompts: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.throughput", "--one", name]
    done = subprocess.run(
        [*command, "--prompts", str(prompts)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    from thoughtmill.tasks.runtime.environment import default_environment

    default_environment()
    main()

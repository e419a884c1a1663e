"""Code-integrated traces on pico: what running code costs, and what it brings.

    python -m benchmarks.code_integrated              tokens per second beside plain generation
    python -m benchmarks.code_integrated --accuracy   right answers and tokens by level and mode

The first draws one trace a problem with the recipe through the engine stage, 200 and more in
flight, then has `LLM.generate` write as many tokens for the same prompts, trace by trace, end
tokens ignored; each in a process of its own, taking turns.  Neither counts its start-up.
The second draws the same problems, levels 1 to 7 of pico's generators (6 and 7 have numbers too
large for the head), as a plain thought without code and in the modes of the recipe.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.line import draw_all, fill, generate, table
from thoughtmill.schemas.ids import content_hash, seed_of
from thoughtmill.schemas.rows import Item
from thoughtmill.schemas.settings import EngineSettings
from thoughtmill.schemas.teachers import Sampling, VllmTeacher
from thoughtmill.tasks.recipes import AnyRecipe, CodeIntegrated, Solve

LEVELS = range(1, 8)
SAMPLING = Sampling(temperature=0.6, top_p=0.95, max_tokens=1536)
RECIPES: dict[str, AnyRecipe] = {
    "plain thought": Solve(sampling=SAMPLING),
    "code, no hint": CodeIntegrated(mode="plain", sampling=SAMPLING),
    "prompt_hint": CodeIntegrated(mode="prompt_hint", sampling=SAMPLING),
    "hint_engineered": CodeIntegrated(mode="hint_engineered", sampling=SAMPLING),
}
_FIRST_SEED = 5_000_000


def problems(count: int) -> Iterator[Item]:
    """Graded problems, the levels taking turns."""
    sys.path.insert(0, str(Path("models/pico").absolute()))
    from large import exam

    for number in range(count):
        level = LEVELS[number % len(LEVELS)]
        made = exam(level, _FIRST_SEED + number)
        yield Item(
            item_id=content_hash("bench", number),
            kind="problem",
            text=made.question,
            reference=made.answer,
            source="bench",
            domain=f"level {level}",
        )


def teacher(model: str) -> VllmTeacher:
    return VllmTeacher(model=model, tokenizer="models/pico", dtype="float32", max_model_len=2048)


def drawn(recipe: AnyRecipe, model: str, count: int) -> dict[str, Any]:
    """Seconds, and for each problem its tokens, level and whether its answer is right."""
    from thoughtmill.tasks.verifiers import Claim, Exact

    judge = Exact()
    items = {item.item_id: item for item in problems(count)}
    with (
        tempfile.TemporaryDirectory() as folder,
        fill(Path(folder), iter(items.values())) as lake,
    ):
        figures = draw_all(lake, recipe, teacher(model), EngineSettings(), "bench")
        rows = lake.rows(
            "SELECT item_id, answer, provenance.completion_tokens, len(list_filter(segments, "
            "lambda s: s.kind = 'code')) FROM traces UNION ALL "
            "SELECT item_id, NULL, completion_tokens, 0 FROM drops"
        )
    found = {}
    for id_, answer, tokens, blocks in rows:
        item = items[id_]
        claim = Claim(id_, answer or "", item.reference, item.text)
        right = judge.opinion(judge.evidence(claim)).outcome == "correct"
        found[id_] = {"tokens": tokens, "level": item.domain, "right": right, "blocks": blocks}
    return {"seconds": figures.generating_s, "rows": found}


def generated(recipe: AnyRecipe, model: str, count: int, lengths: Path) -> dict[str, Any]:
    """Seconds that `LLM.generate` takes for the same prompts and as many tokens each."""
    config = teacher(model)
    os.environ["VLLM_CPU_KVCACHE_SPACE"] = str(config.cpu_kv_cache_gib)
    from vllm import SamplingParams

    from thoughtmill.tasks.teachers.tokens import HfTokens

    tokens = HfTokens("models/pico")
    wanted = json.loads(lengths.read_text())
    prompts, parameters = [], []
    for item in problems(count):
        if not wanted[item.item_id]:
            continue
        text = recipe.prompt.replace("{problem}", item.text)
        prompts.append({"prompt_token_ids": tokens.render([{"role": "user", "content": text}])})
        parameters.append(
            SamplingParams(
                temperature=SAMPLING.temperature,
                top_p=SAMPLING.top_p,
                seed=seed_of(item.item_id),
                max_tokens=wanted[item.item_id],
                ignore_eos=True,
            )
        )
    return generate(config, prompts, parameters)


def throughput(arguments: argparse.Namespace) -> None:
    """Both sides in turn, and the ratio of their medians."""
    rates: dict[str, list[float]] = {}
    for name in arguments.modes:
        with tempfile.TemporaryDirectory() as folder:
            lengths = Path(folder) / "lengths.json"
            for _ in range(arguments.repeats):
                ours = _in_a_process("drawn", name, arguments, lengths)
                tokens = {id_: row["tokens"] for id_, row in ours["rows"].items()}
                lengths.write_text(json.dumps(tokens))
                theirs = _in_a_process("generated", name, arguments, lengths)
                rates.setdefault(name, []).append(sum(tokens.values()) / ours["seconds"])
                rates.setdefault(f"{name}/plain", []).append(theirs["tokens"] / theirs["seconds"])
    rows = []
    for name in arguments.modes:
        ours_median = statistics.median(rates[name])
        base = statistics.median(rates[f"{name}/plain"])
        rows.append([name, f"{ours_median:,.0f}", f"{base:,.0f}", f"{ours_median / base:.2f}"])
    head = ["mode", "output tokens/s", "LLM.generate, as many tokens", "ratio"]
    print(table(head, rows))


def accuracy(arguments: argparse.Namespace) -> None:
    """Right answers and tokens by level and mode."""
    found = {
        name: list(_in_a_process("drawn", name, arguments, Path())["rows"].values())
        for name in RECIPES
    }
    rows = []
    for level in LEVELS:
        row: list[str] = [str(level)]
        for name in RECIPES:
            here = [one for one in found[name] if one["level"] == f"level {level}"]
            right = sum(one["right"] for one in here) / len(here)
            tokens = statistics.mean(one["tokens"] for one in here)
            row.append(f"{right:.2f} ({tokens:.0f})")
        rows.append(row)
    print(table(["level", *(f"{name}: right (tokens)" for name in RECIPES)], rows))


def _in_a_process(
    side: str, name: str, arguments: argparse.Namespace, lengths: Path
) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.code_integrated", "--one", side, name]
    command += ["--count", str(arguments.count), "--model", arguments.model]
    done = subprocess.run(
        [*command, "--lengths", str(lengths)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accuracy", action="store_true", help="the table by level and mode")
    parser.add_argument("--count", type=int, default=700, help="problems, all levels together")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--modes", nargs="+", default=["prompt_hint", "hint_engineered"])
    parser.add_argument("--model", default="models/pico")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--lengths", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        side, name = arguments.one
        recipe = RECIPES[name]
        if side == "drawn":
            print(json.dumps(drawn(recipe, arguments.model, arguments.count)))
        else:
            made = generated(recipe, arguments.model, arguments.count, arguments.lengths)
            print(json.dumps(made))
    elif arguments.accuracy:
        accuracy(arguments)
    else:
        throughput(arguments)


if __name__ == "__main__":
    from thoughtmill.tasks.runtime.environment import default_environment

    default_environment()
    main()

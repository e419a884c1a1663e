"""Adaptive grading against a fixed number of draws: what is saved, and how many bands agree.

    python -m benchmarks.grading           exact figures for populations of pass rates
    python -m benchmarks.grading --pico    pico on problems of five levels, 16 draws and adaptive

The first table needs no engine: draws and errors of the sequential test are computed exactly for a
fine grid of pass rates and weighted by the population.  With `--pico` all draws are made once; the
same test is replayed on them, and then let loose on an empty lake.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import beta

from benchmarks.line import fill, table
from thoughtmill.schemas.arrow import from_table
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.schemas.settings import EngineSettings
from thoughtmill.schemas.teachers import Sampling, VllmTeacher
from thoughtmill.tasks.grading.settings import Band, GradeSettings, Population
from thoughtmill.tasks.grading.stage import Graded, Grading
from thoughtmill.tasks.grading.stopping_rule import SequentialTest
from thoughtmill.tasks.recipes import Solve
from thoughtmill.tasks.runtime.cluster import ray_session
from thoughtmill.tasks.synthesis.stage import stream_draws
from thoughtmill.tasks.synthesis.worker import Job, lane_of
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.verifiers import Cascade, Claim, Workers, settled
from thoughtmill.warehouse.commit import Committer
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.plan import Plan, plan_draws

ROOT = Path(__file__).parents[1]
LEVELS = (1, 2, 3, 4, 5)
RECIPE = Solve(sampling=Sampling(temperature=0.6, top_p=0.95, max_tokens=1024))
TEACHER = VllmTeacher(model=str(ROOT / "models" / "pico"), dtype="float32", max_model_len=2048)
_GRID = 400


def _bands(*ends: float) -> tuple[Band, ...]:
    named = [Band(name=f"up to {end:g}", up_to=end) for end in ends]
    return (*named, Band(name="above"))


BANDS = {
    "0-4, 5-11, 12-16 (default)": GradeSettings().bands,
    "0-4, 5-16": _bands(0.25),
    "0, 1-15, 16": _bands(0, 0.95),
    "0-3, 4-12, 13-16": _bands(0.2, 0.75),
    "0, 1-4, 5-11, 12-15, 16": _bands(0, 0.25, 0.7, 0.95),
}
PICO_LEVELS = (1.0, 0.94, 0.62, 0.26, 0.01)
"""Mean pass rates of pico's levels, as its card has them."""


def _beta(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Pass rates on a grid, and their weights."""
    ends = np.linspace(0, 1, _GRID + 1)
    return (ends[1:] + ends[:-1]) / 2, np.diff(beta.cdf(ends, a, b))


def _levels() -> tuple[np.ndarray, np.ndarray]:
    """Items of five levels in equal numbers, spread about each level's mean."""
    parts = [_beta(6 * mean, 6 * (1 - mean)) for mean in np.clip(PICO_LEVELS, 0.005, 0.995)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]) / len(parts)


POPULATIONS = {
    "uniform": _beta(1, 1),
    "Beta(0.5, 0.5)": _beta(0.5, 0.5),
    "Beta(0.3, 0.3)": _beta(0.3, 0.3),
    "five levels as pico's": _levels(),
}


def simulate(alpha: float) -> None:
    """Print draws saved and bands that agree, by bands and population."""
    rows = []
    for title, bands in BANDS.items():
        for known in ("any", Population(a=0.3, b=0.3)):
            settings = GradeSettings(bands=bands, alpha=alpha, population=known)
            rule = SequentialTest(settings).rule(settings.k)
            cells = []
            for rates, weights in POPULATIONS.values():
                done = rule.expected(rates)
                saved = 1 - float((weights * done.draws).sum()) / settings.k
                cells.append(f"{saved:.0%} / {1 - float((weights * done.wrong).sum()):.1%}")
            rows.append([title, "any" if known == "any" else "Beta(0.3, 0.3)", *cells])
    print(f"Draws saved / bands that agree, against k = 16, alpha = {alpha:g}:\n")
    print(table(["passes of 16", "population assumed", *POPULATIONS], rows))


class Drawn(NamedTuple):
    """One draw of the fixed run."""

    outcome: str
    tokens: int
    text: str


def problems(per_level: int) -> Iterator[Item]:
    """Generated arithmetic, so many of each level, from seeds that training did not use."""
    script = str(ROOT / "models/pico/problems.py")
    made = subprocess.run(
        [sys.executable, script, "--count", str(per_level), "--seed", "900000"],
        check=True,
        capture_output=True,
        text=True,
    )
    for line in made.stdout.splitlines():
        row = json.loads(line)
        yield Item(
            item_id=content_hash(row["question"]),
            kind="problem",
            text=row["question"],
            reference=row["answer"],
            source="bench",
            domain="arithmetic",
            meta={"level": str(row["level"])},
        )


def pico(per_level: int, folder: Path) -> None:
    """Draw 16 times, replay the test on these draws, then grade a second lake adaptively."""
    items = {item.item_id: item for item in problems(per_level)}
    settings = GradeSettings()
    with fill(folder / "fixed", iter(items.values())) as lake:
        lane = lane_of("fixed", RECIPE, identify(TEACHER))
        plan = plan_draws(
            lake,
            "fixed",
            recipe_fingerprint=lane.recipe_fingerprint,
            teacher_fingerprint=lane.teacher_fingerprint,
            draws=settings.k,
        )
        _run(lake, "fixed", plan, None)
        drawn = _judged(lake, items, settings)
    _replay(items, drawn, settings)
    with fill(folder / "adaptive", iter(items.values())) as lake:
        lane = lane_of("adaptive", RECIPE, identify(TEACHER))
        grading = Grading.of(lake, settings, lane)
        _run(lake, "adaptive", grading.plan("adaptive"), settings)
        figures = grading.figures(lane.teacher)
        again = _judged(lake, items, settings)
    _compare(drawn, again, figures, settings)


def _run(lake: Lake, run_id: str, plan: Plan, grade: GradeSettings | None) -> None:
    lane = lane_of(run_id, RECIPE, identify(TEACHER))
    committer = Committer(lake, run_id, lane.name, plan.pending, plan.since)
    job = Job(lane, RECIPE, TEACHER, (), EngineSettings(), lake.settings.data, grade=grade)
    with ray_session(None):
        url = lake.storage.url(plan.folder)
        for manifest in stream_draws(job, url, plan.pending, stopping=lambda: False):
            if manifest is not None:
                committer.commit(manifest)


def _judged(
    lake: Lake, items: dict[str, Item], settings: GradeSettings
) -> dict[str, dict[int, Drawn]]:
    """Every draw in a lake with its outcome, by item and number; dropped ones count as wrong."""
    found: dict[str, dict[int, Drawn]] = {item_id: {} for item_id in items}
    traces = from_table(Trace, lake.connection.sql("FROM traces").to_arrow_table())
    claims = [Claim.of(items[trace.item_id], trace) for trace in traces]
    with Workers() as workers:
        verdicts = Cascade().local(claims, workers)
    for trace, told in zip(traces, verdicts, strict=True):
        standing = settled(told)
        said = "".join(segment.text for segment in trace.segments[1:])
        outcome = standing.outcome if standing else "undecided"
        tokens = trace.provenance.completion_tokens
        found[trace.item_id][trace.draw] = Drawn(outcome, tokens, said)
    for item_id, draw, tokens in lake.rows("SELECT item_id, draw, completion_tokens FROM drops"):
        found[item_id][draw] = Drawn(settings.drops_count_as, tokens, "")
    return found


def _used(draws: dict[int, Drawn], test: SequentialTest) -> tuple[int, int | None]:
    """How many of an item's draws the test looks at, and the band it settles on."""
    used = 0
    while True:
        told = Counter(draws[n].outcome for n in range(used))
        more, band = test.decide(told["correct"], told["incorrect"], told["undecided"])
        if not more:
            return used, band
        used += more


def _replay(
    items: dict[str, Item], drawn: dict[str, dict[int, Drawn]], settings: GradeSettings
) -> None:
    test = SequentialTest(settings)
    rows: list[Sequence[object]] = []
    for level in (*LEVELS, None):
        group = [i for i in items.values() if level is None or i.meta["level"] == str(level)]
        outcomes, spent, full, used_draws, agree = Counter[str](), 0, 0, 0, 0
        bands = Counter[str]()
        for item in group:
            draws = drawn[item.item_id]
            told = Counter(draw.outcome for draw in draws.values())
            outcomes += told
            used, band = _used(draws, test)
            _, fixed = test.decide(told["correct"], told["incorrect"], told["undecided"])
            bands["none" if fixed is None else settings.bands[fixed].name] += 1
            agree += band == fixed
            used_draws += used
            spent += sum(draws[n].tokens for n in range(used))
            full += sum(draw.tokens for draw in draws.values())
        decided = outcomes["correct"] + outcomes["incorrect"]
        rows.append(
            [
                "all" if level is None else level,
                len(group),
                f"{outcomes['correct'] / decided:.3f}",
                ", ".join(f"{name} {bands[name]}" for name in bands),
                f"{full / outcomes.total():.0f}",
                f"{used_draws / len(group):.1f}",
                f"{1 - spent / full:.0%}",
                f"{agree / len(group):.1%}",
            ]
        )
    head = ["level", "problems", "pass rate at k = 16", "bands", "tokens a draw", "draws"]
    print("\nReplayed on the 16 draws of each problem:\n")
    print(table([*head, "tokens saved", "bands agree"], rows))


def _compare(
    fixed: dict[str, dict[int, Drawn]],
    adaptive: dict[str, dict[int, Drawn]],
    figures: Graded,
    settings: GradeSettings,
) -> None:
    """What the adaptive run really wrote, and whether its bands are those of all 16 draws."""
    full = sum(draw.tokens for draws in fixed.values() for draw in draws.values())
    test = SequentialTest(settings)
    agree = same = made = 0
    for item_id, draws in adaptive.items():
        told = Counter(draw.outcome for draw in draws.values())
        _, band = test.decide(told["correct"], told["incorrect"], told["undecided"])
        all_told = Counter(draw.outcome for draw in fixed[item_id].values())
        counts = (all_told["correct"], all_told["incorrect"], all_told["undecided"])
        agree += band == test.decide(*counts).band
        made += len(draws)
        same += sum(draw == fixed[item_id][number] for number, draw in draws.items())
    print(
        f"\nAdaptive on an empty lake: {figures.settled} of {figures.items} items settled, "
        f"{figures.bands}; {figures.tokens:,} tokens, {full:,} for 16 draws each: "
        f"{1 - figures.tokens / full:.0%} saved.  {agree / len(adaptive):.1%} of the bands are "
        f"those of the 16 draws; {same / made:.1%} of the {made:,} draws are word for word theirs."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alpha", type=float, default=0.03)
    parser.add_argument("--pico", action="store_true", help="also draw with pico (minutes)")
    parser.add_argument("--per-level", type=int, default=40, help="problems of each level")
    parser.add_argument("--folder", type=Path, help="keep the lakes here")
    args = parser.parse_args()
    simulate(args.alpha)
    if args.pico:
        with tempfile.TemporaryDirectory() as temporary:
            pico(args.per_level, args.folder or Path(temporary))


if __name__ == "__main__":
    from thoughtmill.tasks.runtime.environment import default_environment

    default_environment()
    main()

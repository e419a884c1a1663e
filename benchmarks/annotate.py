"""Annotation from end to end: consistency, leaks and drops, for steps of an agent and for problems.

    python -m benchmarks.annotate                       drawn rooms, before the checking server
    python -m benchmarks.annotate --problems 200        generated problems too, with models/pico

The rooms' frames are real images on their way through ingest, lake, worker and HTTP.  The server
errs as often as it is told to, so its rates are held to what it planted; pico's rates are its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from benchmarks.line import draw_all, fill, table
from tests.annotator import Annotator
from tests.loopback import Loopback, loopback_server
from tests.mazes import episode, write_folder
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.rows import Item
from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.schemas.teachers import EndpointTeacher, Sampling, VllmTeacher
from thoughtmill.tasks.ingestion.stage import stream_items
from thoughtmill.tasks.recipes import Annotate
from thoughtmill.tasks.runtime.cluster import ray_session
from thoughtmill.tasks.sources.episodes import EpisodeSource
from thoughtmill.tasks.steps.images import ImageLimits
from thoughtmill.warehouse.commit import Committer
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.shards import ITEMS_LANE

_PICO = Path(__file__).parents[1] / "models" / "pico"
_FAULTS = {"leak": 6, "wrong": 6, "muddled": 6, "open": 4, "mute": 4}
_ENGINE = EngineSettings(in_flight=64, flush_seconds=2)
_RATES = """
    WITH first AS (SELECT trace_id FROM traces WHERE meta['attempt'] = '0'),
    every AS (
        SELECT v.*, v.trace_id IN (FROM first) AS is_first, t.item_id
        FROM verdicts AS v JOIN traces AS t USING (trace_id)
    )
    SELECT
        verifier, reason,
        count(*) FILTER (is_first) AS first_attempts,
        count(*) AS all_attempts,
        round(100.0 * count(*) FILTER (is_first) / (SELECT count(*) FROM first), 1) AS percent
    FROM every GROUP BY ALL ORDER BY verifier, all_attempts DESC
"""
_ENDS = """
    WITH good AS (SELECT trace_id FROM samples WHERE accepted)
    SELECT
        (SELECT count(*) FROM items) AS items,
        (SELECT count(*) FROM traces) AS traces,
        (SELECT count(DISTINCT item_id) FROM traces WHERE trace_id IN (FROM good)) AS accepted,
        (SELECT count(*) FROM drops WHERE draw IS NOT NULL) AS dropped_draws,
        (SELECT round(avg(provenance.requests), 2) FROM traces WHERE meta['attempt'] = '0')
            AS requests_to_first
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Rates of annotation.")
    parser.add_argument("--episodes", type=int, default=24)
    parser.add_argument("--problems", type=int, default=0, help="problems for the model")
    parser.add_argument("--model", default=str(_PICO))
    parser.add_argument("--folder", type=Path, help="keep lakes and rooms here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch)
        if args.episodes:
            steps(folder, args.episodes)
        if args.problems:
            problems(folder, args.problems, args.model)


def steps(folder: Path, count: int) -> None:
    """Episodes through ingest, worker and the checking server; three of them are damaged."""
    drawn = [episode(number) for number in range(count)]
    write_folder(folder / "rooms", drawn)
    (folder / "rooms" / drawn[0].episode_id / "001.png").unlink()
    torn = folder / "rooms" / drawn[1].episode_id / "002.png"
    torn.write_bytes(torn.read_bytes()[:400])
    annotator = Annotator(_FAULTS)
    source = EpisodeSource(path=str(folder / "rooms"), name="rooms", frames=ImageLimits())
    recipe = Annotate(sampling=Sampling(temperature=0.7, max_tokens=600))
    with Lake.create(LakeSettings.model_validate(str(folder / "steps"))) as lake:
        with ray_session(None):
            landing = Committer(lake, "read", ITEMS_LANE)
            data = lake.settings.data
            for shard in stream_items([source], "read", data, stopping=lambda: False):
                if shard is not None:
                    landing.commit(shard)
        with loopback_server(Loopback(replies=annotator.reply, record=False)) as server:
            teacher = EndpointTeacher(model=server.model, base_url=server.url)
            figures = draw_all(lake, recipe, teacher, _ENGINE, "steps")
        print(f"{figures.rows} steps of {count} episodes in {figures.generating_s:.1f} s\n")
        seen = [request for request in annotator.seen if not request.blind]
        images = sum(len(request.images) for request in seen)
        distinct = {image.image_id for request in seen for image in request.images}
        files, bytes_, shown = lake.rows(
            "SELECT count(*), sum(bytes)::BIGINT, (SELECT sum(len(images))::BIGINT FROM items) "
            "FROM images"
        )[0]
        print(
            f"{images} images sent, {len(distinct)} of them distinct; the lake holds {files} files "
            f"of {bytes_ / 1e6:.1f} MB, its items point at them {shown} times\n"
        )
        asked = {(request.text, tuple(i.image_id for i in request.images)) for request in seen}
        stored = lake.rows("SELECT images FROM items")
        assert {ids for _, ids in asked} == {tuple(ids) for (ids,) in stored}
        _report(lake)
        planted = sorted(annotator.planted.items())
        print(table(["planted", "replies"], [[fault, n] for fault, n in planted]))


def problems(folder: Path, count: int, model: str) -> None:
    """Generated problems, two in five with options, annotated by a model in vLLM."""
    recipe = Annotate(
        sampling=Sampling(temperature=0.7, top_p=0.95, max_tokens=512),
        blind_sampling=Sampling(temperature=0.0, max_tokens=64),
    )
    teacher = VllmTeacher(
        model=model,
        dtype="float32",
        max_model_len=2048,
        chat_template_args={"enable_thinking": False},
    )
    items = [_problem(number) for number in range(count)]
    with fill(folder / "problems", iter(items)) as lake:
        started = time.monotonic()
        figures = draw_all(lake, recipe, teacher, _ENGINE, "problems")
        print(f"\n{figures.rows} problems, {figures.tokens} tokens, {model}")
        print(f"{figures.generating_s:.1f} s of work, {time.monotonic() - started:.0f} s in all\n")
        _report(lake)
        print(
            table(
                ["level", "kind", "problems", "consistent at first", "accepted in the end"],
                lake.rows(
                    """
                    WITH good AS (SELECT trace_id FROM samples WHERE accepted)
                    SELECT i.meta['level'], if(len(i.choices) > 0, 'choice', 'question'),
                        count(DISTINCT i.item_id),
                        count(*) FILTER (
                            t.meta['attempt'] = '0' AND t.trace_id IN (FROM good)
                        ),
                        count(DISTINCT i.item_id) FILTER (t.trace_id IN (FROM good))
                    FROM items AS i LEFT JOIN traces AS t USING (item_id)
                    GROUP BY ALL ORDER BY ALL
                    """
                ),
            )
        )


def _report(lake: Lake) -> None:
    head = ["items", "traces", "accepted items", "dropped draws", "requests to the first trace"]
    print(table(head, lake.rows(_ENDS)), end="\n\n")
    head = ["verifier", "reason", "first attempts", "all attempts", "% of first attempts"]
    print(table(head, lake.rows(_RATES)), end="\n\n")
    drops = lake.rows("SELECT stage, reason, count(*) FROM drops GROUP BY ALL ORDER BY ALL")
    print(table(["stage", "dropped for", "rows"], drops), end="\n\n")


def _problem(number: int) -> Item:
    if str(_PICO) not in sys.path:
        sys.path.insert(0, str(_PICO))
    from problems import problem

    rng = Random(number)
    level = 1 + number % 5
    made = problem(level, 900_000 + number)
    choices: tuple[str, ...] = ()
    if rng.random() < 0.4:
        right = int(made.answer)
        options = {right}
        while len(options) < 4:
            options.add(max(0, right + rng.choice((-20, -10, -3, -2, -1, 1, 2, 3, 10, 20))))
        choices = tuple(map(str, rng.sample(sorted(options), 4)))
    return Item(
        item_id=content_hash("item", "problem", made.question, made.answer, list(choices), []),
        kind="problem",
        text=made.question,
        reference=made.answer,
        choices=choices,
        source="bench",
        meta={"level": str(level)},
    )


if __name__ == "__main__":
    from thoughtmill.tasks.runtime.environment import default_environment

    default_environment()
    main()

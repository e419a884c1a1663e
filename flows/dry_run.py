"""`thoughtmill run --dry-run`: what there is to do, one prompt, and what it would take."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from thoughtmill.flows.config import RunConfig
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Item
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.schemas.teachers import Sampling, ScriptedTeacher, TeacherConfig
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.runtime.progress import say
from thoughtmill.tasks.synthesis.worker import lane_of
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.teachers.protocol import Completion, Message
from thoughtmill.tasks.teachers.scripted import Scripted
from thoughtmill.warehouse.commit import Committer
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.shards import ITEMS_LANE, write_items

_MOST_ITEMS = 20_000
"""Items that are read to be counted."""


@dataclass(frozen=True)
class Lanework:
    """What one teacher has to do, and what such work has taken in the lake so far."""

    teacher: TeacherConfig
    wanted: int
    done: int
    traces: int
    """Traces of this recipe and teacher that the lake holds: what the averages rest on."""
    prompt_tokens: float
    completion_tokens: float
    seconds: float
    """Averages of one draw; seconds are the wall time of the runs by their draws."""


@dataclass(frozen=True)
class DryRun:
    """What a run would do."""

    items: int
    fitting: int
    left_out: dict[str, int]
    more: bool
    """Whether there are more items than were read."""
    work: tuple[Lanework, ...]
    prompt: str

    def show(self) -> None:
        """Print it."""
        least = "at least " if self.more else ""
        print(f"items      {least}{self.items:,} read, {self.fitting:,} of them fit")
        if self.left_out:
            print("left out   " + ", ".join(f"{k} {n:,}" for k, n in self.left_out.items()))
        for one in self.work:
            to_do = one.wanted - one.done
            print(f"draws      {least}{to_do:,} to do with {one.teacher.model}, {one.done:,} done")
            if not one.traces:
                print(
                    "tokens     not known: the lake has no such draws yet; run with --limit 20 "
                    "first, then ask again"
                )
                continue
            read, written = one.prompt_tokens * to_do, one.completion_tokens * to_do
            print(
                f"tokens     about {read:,.0f} to read, {written:,.0f} to write "
                f"(as {one.traces:,} draws in the lake)"
            )
            print(f"time       about {one.seconds * to_do:,.0f} s at the speed of those runs")
            if one.teacher.price is not None:
                cost = one.teacher.price.of(round(read), round(written))
                print(f"cost       about {cost:,.2f} at the teacher's price")
            else:
                print(
                    "cost       not known: give the teacher a `price: {prompt: 1, completion: 2}`"
                )
        print("\none prompt:\n" + (self.prompt or "(the recipe asks the teacher nothing here)"))


def dry_run(config: RunConfig) -> DryRun:
    """Read the sources into a temporary lake and reckon; the config's lake is only read.

    Raises `ConfigError` for a source that can't be read and for a predicate that DuckDB refuses.
    """
    items: dict[str, Item] = {}
    left_out: dict[str, int] = {}
    more = False
    with tempfile.TemporaryDirectory() as folder:
        settings = LakeSettings.model_validate(f"{folder}/lake")
        with Lake.create(settings) as lake:
            for source in config.sources:
                for part in source.parts():
                    for row in source.read(part, "dry-run"):
                        if isinstance(row, Item):
                            items.setdefault(row.item_id, row)
                        elif reason := getattr(row, "reason", None):
                            left_out[reason] = left_out.get(reason, 0) + 1
                        if len(items) >= _MOST_ITEMS:
                            more = True
                            break
            manifest = write_items(
                lake.storage,
                run_id="dry-run",
                source="dry-run",
                items=list(items.values()),
                drops=[],
                pictures=[],
            )
            Committer(lake, "dry-run", ITEMS_LANE).commit(manifest)
            fitting = {
                row
                for (row,) in lake.rows(f"SELECT item_id FROM items WHERE {config.wanted_items}")
            }
    if not items:
        raise ConfigError("the sources hold no items")
    work = tuple(_work(config, teacher, fitting) for teacher in config.teacher)
    first = next((item for key, item in items.items() if key in fitting), None)
    return DryRun(len(items), len(fitting), left_out, more, work, _prompt(config, first))


def _work(config: RunConfig, teacher: TeacherConfig, items: set[str]) -> Lanework:
    draws = config.draws if config.grade is None else config.grade.k
    wanted = len(items) * draws
    lane = lane_of("dry-run", config.recipe, identify(teacher))
    named = [lane.recipe_fingerprint, lane.teacher_fingerprint]
    try:
        lake = Lake.open(config.lake)
    except ConfigError:  # there is no lake yet
        return Lanework(teacher, wanted, 0, 0, 0.0, 0.0, 0.0)
    with lake:
        settled = lake.rows(
            "SELECT item_id, draw FROM traces WHERE provenance.recipe_fingerprint = $1 "
            "AND provenance.teacher_fingerprint = $2 UNION SELECT item_id, draw FROM drops "
            "WHERE recipe_fingerprint = $1 AND teacher_fingerprint = $2",
            named,
        )
        done = sum(1 for item_id, draw in settled if item_id in items and draw < draws)
        ((traces, read, written),) = lake.rows(
            "SELECT count(*), avg(provenance.prompt_tokens), avg(provenance.completion_tokens) "
            "FROM traces WHERE provenance.recipe_fingerprint = ? "
            "AND provenance.teacher_fingerprint = ?",
            named,
        )
        seconds = lake.one(
            "SELECT sum(seconds) FROM run_report WHERE run_id IN (SELECT DISTINCT "
            "provenance.run_id FROM traces WHERE provenance.recipe_fingerprint = ? "
            "AND provenance.teacher_fingerprint = ?)",
            named,
        )
    each = (seconds or 0.0) / max(traces, 1)
    return Lanework(teacher, wanted, done, traces, read or 0.0, written or 0.0, each)


class _Asked(Exception):
    """A request that a recipe makes, instead of its answer."""


class _Recorder(Scripted):
    """A teacher that answers nothing and hands back what it is asked."""

    async def chat(
        self, messages: Sequence[Message], sampling: Sampling, *, seed: int
    ) -> Completion:
        raise _Asked("\n\n".join(f"[{m['role']}]\n{m['content']}" for m in messages))

    async def extend(
        self, prompt_ids: Sequence[int], sampling: Sampling, *, seed: int
    ) -> Completion:
        raise _Asked(self.tokens.decode(prompt_ids))


def _prompt(config: RunConfig, item: Item | None) -> str:
    """What the recipe asks first about an item; its tokens are counted as bytes here."""
    if item is None:
        return ""
    teacher = _Recorder(ScriptedTeacher())
    lane = lane_of("dry-run", config.recipe, teacher.identity)
    try:
        asyncio.run(_draw(config, item, Kit(teacher, lane, item.item_id, 0, "0" * 32)))
    except _Asked as asked:
        return str(asked)
    say("the recipe made no request for the first item")
    return ""


async def _draw(config: RunConfig, item: Item, kit: Kit) -> None:
    await config.recipe(item, kit)

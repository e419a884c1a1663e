"""Problems of reasoning-gym, by task and difficulty, and the way back to its own scorer."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any, Literal

from pydantic import Field

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Item
from thoughtmill.tasks.sources.base import Piece, Record, Source
from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.gym_entries import GymError, GymSet, dataset_of, entries, entry
from thoughtmill.tasks.sources.jsontext import Flaw
from thoughtmill.tasks.sources.mapping import Mapper

META_KEY = "reasoning_gym"
"""Key of `Item.meta` that holds what the scorer needs, as JSON."""
PART_ENTRIES = 5_000


class ReasoningGymSource(Source):
    """Problems that reasoning-gym makes.  The same settings make the same problems.

    Every problem has a scorer of its own (`score`); some have no gold answer, only that.
    """

    kind: Literal["reasoning_gym"] = "reasoning_gym"
    task: str
    """Name of the task, such as `chain_sum`; also the domain where none is given."""
    count: int = Field(gt=0)
    """Problems to make."""
    seed: int = Field(default=0, ge=0)
    """Seed of the task's generator."""
    level: int | None = Field(default=None, ge=0)
    """Level of the task's own curriculum, from 0; the task's default difficulty where null."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Knobs of the task, such as `min_terms`; they go before the level's."""

    @property
    def label(self) -> str:
        return f"reasoning_gym/{self.task}"

    def pieces(self) -> list[Piece]:
        starts = range(0, self.count, PART_ENTRIES)
        return [
            Piece(self.label, start=start, stop=min(start + PART_ENTRIES, self.count))
            for start in starts
        ]

    def records(self, piece: Piece) -> Iterator[Record | Flaw]:
        """Problems of a range, numbered from 1 in the whole source."""
        number = piece.start
        try:
            for made in entries(self._gym(), piece.start, piece.stop):
                number += 1
                if "error" in made:
                    yield Flaw(number, "generator_error", made["error"])
                else:
                    yield Record(number, {**made, META_KEY: self._meta(number - 1, made)})
        except GymError as exc:
            yield Flaw(number + 1, "generator_error", f"to {piece.stop}: {exc}")

    def mapper(self) -> Mapper:
        return Mapper(
            fields=Fields(text="question", reference="answer", meta=(META_KEY,)),
            kind="problem",
            source=self.counted_as,
            domain=self.domain or self.task,
            max_chars=self.max_chars,
        )

    def check(self, pieces: Sequence[Piece]) -> None:
        from reasoning_gym.factory import CURRICULA, DATASETS, create_curriculum

        if self.task not in DATASETS:
            near = difflib.get_close_matches(self.task, DATASETS, n=3, cutoff=0.5)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise ConfigError(f"task: reasoning-gym has no task {self.task!r}{hint}")
        knobs = {f.name for f in dataclasses.fields(DATASETS[self.task][1])} - {"seed", "size"}
        if unknown := sorted(set(self.params) - knobs):
            listed = ", ".join(sorted(knobs)) or "none"
            raise ConfigError(f"params: {self.task} has no knob {unknown[0]!r} (knobs: {listed})")
        if self.level is not None:
            if self.task not in CURRICULA:
                raise ConfigError(f"level: {self.task} has no levels; use params")
            attributes = create_curriculum(self.task).attributes.values()
            top = max((len(attribute.levels) for attribute in attributes), default=1) - 1
            if self.level > top:
                raise ConfigError(f"level: {self.task} has levels 0 to {top}, not {self.level}")
        try:
            self._gym().config()
        except (TypeError, ValueError, AssertionError) as exc:
            setting = "params" if self.level is None or self.params else "level"
            raise ConfigError(f"{setting}: {self.task} refuses: {exc}") from exc

    def _gym(self) -> GymSet:
        return GymSet(self.task, self.seed, self.count, self.level, self.params)

    def _meta(self, index: int, made: dict[str, Any]) -> str:
        return json.dumps(
            {
                **dataclasses.asdict(self._gym()),
                "index": index,
                "version": version("reasoning-gym"),
                "metadata": made["metadata"],
            },
            sort_keys=True,
        )


def score(item: Item, answer: str | None) -> float:
    """reasoning-gym's own score of an answer to one of its problems, from 0 to 1.

    Raises `KeyError` for an item from elsewhere, and whatever the task's scorer raises: several
    choke on an answer of the wrong shape.  May take seconds, and loads the task on first use.
    """
    note = json.loads(item.meta[META_KEY])
    index, metadata, _ = note.pop("index"), note.pop("metadata"), note.pop("version")
    gym = GymSet(**note)
    dataset = dataset_of(gym.dumps())
    found = entry(dataset, gym, index)
    gold = found["answer"] if (found["answer"] or "").strip() else None
    if (found["question"], gold) != (item.text, item.reference):
        # Another hash seed or version made another entry.  The kept one scores alike, but for
        # tuples that JSON made lists: `arc_agi` and `rearc` mind, and those two are steady.
        found = {"question": item.text, "answer": item.reference, "metadata": metadata}
    return float(dataset.score_answer(answer, found))

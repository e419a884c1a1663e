"""Episodes of a steered robot, step by step: an instruction, frames and true actions.

A row is a whole episode (lists of frames and actions) or one step of one; rows of an episode stand
together.  Each step becomes an item that points at its history and its current frame.  What can't
be used costs its own step, not the episode: a history is drawn from the frames that are there.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Drop, Item
from thoughtmill.tasks.sources import arrow
from thoughtmill.tasks.sources.base import Part, Piece, Record, drop_of
from thoughtmill.tasks.sources.fields import Fields, Wanted
from thoughtmill.tasks.sources.files import READ_ERRORS, FileSource, lines
from thoughtmill.tasks.sources.jsontext import Flaw, parse
from thoughtmill.tasks.sources.paths import ABSENT, value_at
from thoughtmill.tasks.steps.actions import Actions, Reading
from thoughtmill.tasks.steps.images import ImageLimits, Refusal
from thoughtmill.warehouse.images import Picture

_PARQUET = b"PAR1"
_BATCH_ROWS = 8  # a row may hold the frames of a whole episode
_MAX_FRAME_BYTES = 64 * 2**20


class EpisodeFields(Fields):
    """Columns of an episode's rows: of whole episodes lists, of single steps one value."""

    text: str = "instruction"
    """Column of the instruction."""
    reference: str | None = "actions"
    """Column of the true action, or of the list of them."""
    images: str | None = "frames"
    """Column of the frame (bytes, a path, or a struct of both), or of the list of them."""
    episode: str | None = "episode_id"
    """Column of the episode's id; null where each row is an episode of its own."""

    def columns(self) -> Iterator[Wanted]:
        yield from super().columns()
        if self.episode:
            yield Wanted("episode", (self.episode,))


@dataclass(frozen=True)
class _Step:
    number: int
    """Row it came from."""
    frame: Picture | Refusal
    action: Reading


@dataclass
class _Walk:
    """One episode as far as it has been read."""

    episode: str
    number: int
    row: Mapping[str, Any]
    steps: list[_Step] = field(default_factory=list)


class EpisodeSource(FileSource):
    """Episodes in Parquet with image bytes, or in JSON lines with frames beside them.

    Every step is an item: text is the instruction, reference the action in the grammar's spelling,
    images are up to `history` earlier frames and last the current one.  Its meta holds `episode`,
    `step`, `steps`, `history` and `next_actions` (JSON: this step's action and those after it).
    """

    kind: Literal["episodes"] = "episodes"
    path: str | tuple[str, ...]
    """A file or glob, or a folder that holds `.jsonl` or `.parquet` files."""
    item_kind: Literal["step"] = "step"
    """Always `step`: an item is one step of an episode."""
    fields: EpisodeFields = EpisodeFields()
    """Which key of an episode is what."""
    frames_root: str | None = None
    """Folder that frame paths start from; that of the file where null."""
    actions: Actions = Actions()
    """The grammar that actions must fit."""
    frames: ImageLimits = ImageLimits()
    """How frames are kept."""
    history: int = Field(default=8, ge=0)
    """Most earlier frames of an item; drawn evenly, the episode's first always among them."""
    next_actions: int = Field(default=3, gt=0)
    """Actions kept for planning, the step's own included."""
    min_steps: int = Field(default=2, gt=0)
    """Shorter episodes are dropped as `short_episode`: they show no way."""
    max_steps: int = Field(default=2000, gt=0)
    """Longer episodes are dropped as `long_episode`: their frames are in memory at once."""

    @model_validator(mode="before")
    @classmethod
    def _no_preset(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("preset") is not None:
            raise ValueError("episodes have no presets: set `fields`")
        return values

    def read(self, part: Part, run_id: str) -> Iterator[Item | Drop | Picture]:
        items = 0
        for piece in part.pieces:
            for found in self._found(piece):
                if isinstance(found, Flaw):
                    yield drop_of(found, piece, run_id)
                    continue
                yield found
                items += isinstance(found, Item)
                if items == self.limit:
                    return

    def rows(self, path: str) -> Iterator[Record | Flaw]:
        if _is_parquet(path):
            with pq.ParquetFile(path) as file:
                columns = arrow.wanted(self.fields, file.schema_arrow.names)
                yield from arrow.records(file.iter_batches(_BATCH_ROWS, columns=columns), 1)
            return
        for number, line in enumerate(lines(path, self.max_row_bytes), start=1):
            if isinstance(line, Flaw):
                yield line
            elif line.strip():
                value = parse(line, number)
                yield value if isinstance(value, Flaw) else Record(number, value)

    def sample(self, pieces: Sequence[Piece]) -> list[Mapping[str, Any]]:
        for piece in pieces:
            try:
                if _is_parquet(piece.path):
                    return [arrow.blank_row(pq.read_schema(piece.path))]
            except READ_ERRORS:
                continue  # reading it will say so, as a drop
        return super().sample(pieces)

    def _check_rows(self, pieces: Sequence[Piece]) -> None:
        """Rows are episodes here: steps that misfit are drops."""

    def _patterns(self) -> tuple[str, ...]:
        return tuple(inner for pattern in super()._patterns() for inner in _inside(pattern))

    def _found(self, piece: Piece) -> Iterator[Item | Flaw | Picture]:
        """Items, flaws and pictures of a file, an episode at a time."""
        root = Path(self.frames_root or os.path.dirname(piece.path))
        walk: _Walk | None = None
        done: set[str] = set()
        for found in self.records(piece):
            row = found if isinstance(found, Flaw) else self._episode(found)
            if isinstance(row, Flaw):
                yield row
                if walk is not None:  # whose step is lost can't be told: no plan may go across
                    lost = Refusal("missing_frame", row.detail)
                    walk.steps.append(_Step(row.number, lost, Reading(None, "lost")))
                continue
            if walk is not None and row.episode != walk.episode:
                yield from self._items(walk)
                done.add(walk.episode)
                walk = None
            if row.episode in done:
                detail = f"rows of episode {row.episode} do not stand together"
                yield Flaw(row.number, "split_episode", detail)
                continue
            walk = walk or row
            room = self.max_steps + 1 - len(walk.steps)
            stretch = self._stretch(row, root, room)
            if isinstance(stretch, Flaw):
                yield stretch
                if walk.steps:  # no plan may go across the gap
                    lost = Refusal("missing_frame", stretch.detail)
                    walk.steps.append(_Step(row.number, lost, Reading(None, "lost")))
            else:
                walk.steps.extend(stretch)
        if walk is not None:
            yield from self._items(walk)

    def _episode(self, record: Record) -> _Walk | Flaw:
        """A row with the id of its episode, none of its steps read yet."""
        if not isinstance(record.row, Mapping):
            return Flaw(record.number, "wrong_type", "the row is not an object")
        column = self.fields.episode
        value = value_at(record.row, column) if column else str(record.number)
        if value is ABSENT or value is None or not str(value).strip():
            return Flaw(record.number, "missing_column", f"no {column}")
        return _Walk(str(value), record.number, record.row)

    def _stretch(self, row: _Walk, root: Path, room: int) -> list[_Step] | Flaw:
        """The steps of one row; at most `room` are read."""
        actions = _listed(value_at(row.row, self.fields.reference or ""))
        frames = _listed(value_at(row.row, self.fields.images or ""))
        if not actions:
            return Flaw(row.number, "short_episode", f"episode {row.episode}: 0 steps")
        # Some data sets add the frame that is seen after the last action.
        if len(frames) not in (len(actions), len(actions) + 1):
            counts = f"{len(frames)} frames, {len(actions)} actions"
            return Flaw(row.number, "unequal_lengths", f"episode {row.episode}: {counts}")
        return [
            _Step(row.number, self._picture(frame, root), self._read(action))
            for frame, action in zip(frames[:room], actions[:room], strict=False)
        ]

    def _read(self, action: Any) -> Reading:
        return self.actions.read("" if action in (None, ABSENT) else str(action))

    def _picture(self, frame: Any, root: Path) -> Picture | Refusal:
        if isinstance(frame, Mapping):
            frame = frame.get("bytes") or frame.get("path")
        if isinstance(frame, str) and frame:
            file = root / frame
            try:
                if file.stat().st_size > _MAX_FRAME_BYTES:
                    return Refusal("image_too_large", f"{frame} has {file.stat().st_size} bytes")
                frame = file.read_bytes()
            except (OSError, ValueError) as exc:
                why = exc.strerror if isinstance(exc, OSError) else str(exc)
                return Refusal("missing_frame", f"{frame}: {why}")
        if not isinstance(frame, bytes) or not frame:
            return Refusal("missing_frame", "neither bytes nor a path")
        return self.frames.prepared(frame)

    def _items(self, walk: _Walk) -> Iterator[Item | Flaw | Picture]:
        """The steps of an episode as items, each after the pictures that no item had before it."""
        where = f"episode {walk.episode}"
        count = len(walk.steps)
        if not count:
            return  # its row has been dropped
        if not self.min_steps <= count <= self.max_steps:
            reason = "short_episode" if count < self.min_steps else "long_episode"
            yield Flaw(walk.number, reason, f"{where}: {count} steps")
            return
        mapper = self.mapper()
        sent: set[str] = set()
        good: list[Picture] = []
        for at, step in enumerate(walk.steps):
            if step.action.reason == "lost":
                continue
            refusal = self._refused(step)
            if isinstance(step.frame, Picture):
                seen = [*sampled(good, self.history), step.frame]
                good.append(step.frame)
            if refusal is not None:
                yield Flaw(step.number, refusal.reason, f"{where}, step {at}: {refusal.detail}")
                continue
            ids = [picture.row.image_id for picture in seen]
            shown = {self.fields.reference: step.action.action, self.fields.images: ids}
            item = mapper(step.number, {**walk.row, **shown})
            if isinstance(item, Flaw):  # of the instruction or the meta: the same for every step
                yield item
                return
            for picture in seen:
                if picture.row.image_id not in sent:
                    sent.add(picture.row.image_id)
                    yield picture
            yield item.model_copy(update={"meta": item.meta | self._meta(walk, at, seen)})

    def _refused(self, step: _Step) -> Refusal | None:
        if isinstance(step.frame, Refusal):
            return step.frame
        if step.action.action is None:
            return Refusal(step.action.reason, "its action is none of the grammar's")
        return None

    def _meta(self, walk: _Walk, at: int, seen: Sequence[Picture]) -> dict[str, str]:
        plan = []
        for step in walk.steps[at : at + self.next_actions]:
            if step.action.action is None:
                break
            plan.append(step.action.action)
        return {
            "episode": walk.episode,
            "step": str(at),
            "steps": str(len(walk.steps)),
            "history": str(len(seen) - 1),
            "next_actions": orjson.dumps(plan).decode(),
        }


def sampled(frames: Sequence[Picture], most: int) -> list[Picture]:
    """At most `most` of the frames, evenly spread from the first to (where two fit) the last."""
    count = len(frames)
    if count <= most:
        return list(frames)
    if most <= 1:
        return list(frames[:most])
    return [frames[round(n * (count - 1) / (most - 1))] for n in range(most)]


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    return [value]


def _is_parquet(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == _PARQUET


def _inside(path: str) -> list[str]:
    """A folder as globs of the episode files in it; anything else as it is."""
    folder = os.path.expanduser(path)
    if not os.path.isdir(folder):
        return [path]
    globs = [f"{glob.escape(folder)}/*.{ending}" for ending in ("jsonl", "jsonl.gz", "parquet")]
    found = [pattern for pattern in globs if glob.glob(pattern)]
    if not found:
        raise ConfigError(f"path: the folder {path!r} holds no .jsonl and no .parquet file")
    return found

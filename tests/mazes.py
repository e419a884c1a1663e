"""Small rooms with walls and one coloured ball, drawn from above, and robots that walk to the ball.

Frames and actions are true: each frame shows where the robot stands before its action, and the
action is the one it takes.  `python -m tests.mazes FOLDER --episodes 24` writes JSON lines and
frames; `--parquet` writes one Parquet file with the frames' bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import PIL.Image
import PIL.ImageDraw
import pyarrow as pa
import pyarrow.parquet as pq

CELLS = 7
CELL_CM = 100
PIXELS = 40
COLOURS = {"red": "#d33", "green": "#2a4", "blue": "#36c", "orange": "#f90"}
_HEADINGS = {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}  # degrees clockwise from east
Cell = tuple[int, int]


@dataclass(frozen=True)
class Episode:
    episode_id: str
    instruction: str
    frames: list[bytes]
    actions: list[str]
    poses: list[tuple[float, float, int]]
    """x and y in cells, heading in degrees clockwise from east, before each action."""


def episode(number: int, *, width: int = CELLS * PIXELS) -> Episode:
    """One episode; same number, same pixels."""
    rng = Random(number)
    while True:
        walls = {(x, y) for x in range(CELLS) for y in range(CELLS) if rng.random() < 0.25}
        free = [(x, y) for x in range(CELLS) for y in range(CELLS) if (x, y) not in walls]
        start, goal = rng.sample(free, 2)
        path = _path(start, goal, walls)
        if path is not None and 3 <= len(path) <= 8:
            break
    colour = rng.choice(sorted(COLOURS))
    heading = rng.choice(sorted(_HEADINGS.values()))
    x, y = float(start[0]), float(start[1])
    frames, actions, poses = [], [], []

    def act(action: str) -> None:
        frames.append(_draw(walls, goal, colour, x, y, heading, width))
        poses.append((x, y, heading))
        actions.append(action)

    for here, there in pairwise(path):
        wanted = _HEADINGS[(there[0] - here[0], there[1] - here[1])]
        while heading != wanted:
            turn = (wanted - heading + 180) % 360 - 180
            size = min(45, abs(turn))
            act(f"turn {'right' if turn > 0 else 'left'} {size} degrees")
            heading = (heading + (size if turn > 0 else -size)) % 360
        left = CELL_CM
        while left:
            step = rng.choice([s for s in (25, 50, 75) if s <= left])
            act(f"move forward {step} cm")
            x += step / CELL_CM * math.cos(math.radians(heading))
            y += step / CELL_CM * math.sin(math.radians(heading))
            left -= step
        x, y = float(there[0]), float(there[1])
    act("stop")
    instruction = f"Go to the {colour} ball and stop on it."
    return Episode(f"room-{number}", instruction, frames, actions, poses)


def write_folder(folder: Path, episodes: list[Episode]) -> None:
    """`episodes.jsonl`, one episode a line, and frames beside it."""
    lines = []
    for one in episodes:
        (folder / one.episode_id).mkdir(parents=True)
        names = [f"{one.episode_id}/{n:03}.png" for n in range(len(one.frames))]
        for name, frame in zip(names, one.frames, strict=True):
            (folder / name).write_bytes(frame)
        lines.append(json.dumps(_row(one) | {"frames": names}))
    (folder / "episodes.jsonl").write_text("\n".join(lines) + "\n")


def write_parquet(path: Path, episodes: list[Episode]) -> None:
    """One row a step, frames as Hugging Face image structs."""
    rows = [
        {
            "episode_id": one.episode_id,
            "instruction": one.instruction,
            "action": action,
            "image": {"bytes": frame, "path": None},
        }
        for one in episodes
        for frame, action in zip(one.frames, one.actions, strict=True)
    ]
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    texts = [(name, pa.string()) for name in ("episode_id", "instruction", "action")]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([*texts, ("image", image)])), path)


def _row(one: Episode) -> dict[str, object]:
    return {
        "episode_id": one.episode_id,
        "instruction": one.instruction,
        "actions": one.actions,
    }


def _path(start: Cell, goal: Cell, walls: set[Cell]) -> list[Cell] | None:
    """The shortest way over free cells."""
    came: dict[Cell, Cell | None] = {start: None}
    queue = deque([start])
    while queue:
        cell = queue.popleft()
        if cell == goal:
            way = [cell]
            while (before := came[way[-1]]) is not None:
                way.append(before)
            return way[::-1]
        for dx, dy in _HEADINGS:
            near = (cell[0] + dx, cell[1] + dy)
            if near not in came and near not in walls and all(0 <= c < CELLS for c in near):
                came[near] = cell
                queue.append(near)
    return None


def _draw(
    walls: set[Cell], goal: Cell, colour: str, x: float, y: float, heading: int, width: int
) -> bytes:
    """The room as PNG: dark walls, the ball, and the robot as an arrowhead."""
    size = CELLS * PIXELS
    image = PIL.Image.new("RGB", (size, size), "#f4efe6")
    pen = PIL.ImageDraw.Draw(image)
    for wx, wy in sorted(walls):
        at = (wx * PIXELS, wy * PIXELS, (wx + 1) * PIXELS - 1, (wy + 1) * PIXELS - 1)
        pen.rectangle(at, fill="#555")
    gx, gy = ((c + 0.5) * PIXELS for c in goal)
    pen.ellipse((gx - 12, gy - 12, gx + 12, gy + 12), fill=COLOURS[colour])
    cx, cy = (x + 0.5) * PIXELS, (y + 0.5) * PIXELS
    corners = [(0, 14), (140, 13), (180, 6), (220, 13)]
    points = [
        (
            cx + length * math.cos(math.radians(heading + angle)),
            cy + length * math.sin(math.radians(heading + angle)),
        )
        for angle, length in corners
    ]
    pen.polygon(points, fill="#111")
    if width != size:
        image = image.resize((width, width))
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw episodes of a robot in small rooms.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--episodes", type=int, default=24)
    parser.add_argument("--parquet", action="store_true")
    args = parser.parse_args()
    drawn = [episode(number) for number in range(args.episodes)]
    if args.parquet:
        write_parquet(args.folder / "episodes.parquet", drawn)
    else:
        write_folder(args.folder, drawn)
    print(f"{len(drawn)} episodes, {sum(len(one.frames) for one in drawn)} steps")


if __name__ == "__main__":
    main()

"""reasoning-gym's entries, made the same way every time.

Two of its habits make entries differ from one process to the next: six of its tasks iterate over
sets of text, whose order hangs on Python's hash seed, and `list_functions` draws from the global
generator.  So entries are made in a child process with a fixed hash seed, the global generator
seeded for each.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, TextIO

from thoughtmill.schemas.errors import ThoughtmillError
from thoughtmill.schemas.ids import content_hash


class GymError(ThoughtmillError):
    """reasoning-gym could not make its entries."""


@dataclass(frozen=True)
class GymSet:
    """One of reasoning-gym's infinite sets of problems."""

    task: str
    seed: int
    size: int
    """Entries it is made for; `acre` makes other entries where this differs."""
    level: int | None = None
    params: dict[str, Any] = field(default_factory=dict)

    def config(self) -> Any:
        """The task's own config: its curriculum's at `level`, with `params` in place.

        Raises `TypeError`, `ValueError` or `AssertionError`, as the task does, for bad params.
        """
        from reasoning_gym.factory import DATASETS, create_curriculum

        given = {"seed": self.seed, "size": self.size}
        if self.level is not None:
            curriculum = create_curriculum(self.task)
            curriculum.set_global_level(self.level)
            given = vars(curriculum.generate_configuration(given))
        config = DATASETS[self.task][1](**{**given, **self.params})
        if hasattr(config, "validate"):
            config.validate()
        return config

    def dataset(self) -> Any:
        """The `ProceduralDataset`.  Some load files, so keep it."""
        from reasoning_gym.factory import DATASETS

        return DATASETS[self.task][0](config=self.config())

    def dumps(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def entry(dataset: Any, gym: GymSet, index: int) -> dict[str, Any]:
    """The entry of an index: `question`, `answer` (a text or null) and `metadata`."""
    state = random.getstate()
    random.seed(content_hash("reasoning_gym", gym.task, gym.seed, index))
    try:
        found: dict[str, Any] = dataset[index]
    finally:
        random.setstate(state)
    return found


@lru_cache(maxsize=8)
def dataset_of(gym: str) -> Any:
    """The data set of a `GymSet.dumps`, kept for the next call."""
    return GymSet(**json.loads(gym)).dataset()


def entries(gym: GymSet, start: int, stop: int) -> Iterator[dict[str, Any]]:
    """Entries `start` to `stop` as JSON has them; `{"error": ...}` in place of one that fails.

    Raises `GymError` where the child process dies.
    """
    request = json.dumps({"gym": asdict(gym), "start": start, "stop": stop})
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    with tempfile.TemporaryFile("w+") as complaints:
        child = subprocess.Popen(
            # By its path, not `-m`: the package would import Arrow and more, a quarter second each.
            # With -P, for in this folder `import reasoning_gym` would find its neighbour.
            [sys.executable, "-P", __file__, request],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=environment,
            text=True,
            encoding="utf-8",
        )
        assert child.stdout is not None
        try:
            for line in child.stdout:
                yield json.loads(line)
            if child.wait():
                complaints.seek(0)
                last = complaints.read().strip().rpartition("\n")[2]
                raise GymError(f"{gym.task}: generator exited with {child.returncode}: {last}")
        finally:
            child.kill()
            child.wait()
            child.stdout.close()


def _write(gym: GymSet, start: int, stop: int, out: TextIO) -> None:
    """The child's work: a line of JSON for each entry."""
    dataset = gym.dataset()
    for index in range(start, stop):
        try:
            made = entry(dataset, gym, index)
        except Exception as exc:  # the one entry becomes a drop, whatever its generator raised
            made = {"error": f"{type(exc).__name__}: {exc}"[:300]}
        out.write(json.dumps(made, default=str) + "\n")


if __name__ == "__main__":
    wish = json.loads(sys.argv[1])
    answers, sys.stdout = sys.stdout, sys.stderr  # a generator that prints must not garble them
    answers.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    _write(GymSet(**wish["gym"]), wish["start"], wish["stop"], answers)
    answers.flush()

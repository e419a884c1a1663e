"""Memory of the driving process while it plans and commits a million small items.

    python -m benchmarks.memory --items 1000000

A scripted teacher answers at once, so the driver is under the greatest load it can be under.  The
peak is the driver's own resident memory, read from the kernel; Ray's processes are not in it.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.line import documents, draw_all, fill, table
from thoughtmill.schemas.settings import EngineSettings
from thoughtmill.schemas.teachers import Sampling, ScriptedTeacher
from thoughtmill.tasks.recipes import Thinking


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    arguments = parser.parse_args()
    samples: list[float] = []
    threading.Thread(target=_watch, args=(samples,), daemon=True).start()
    recipe = Thinking(sampling=Sampling(max_tokens=256), min_thinking_tokens=0)
    engine = EngineSettings(shard_rows=5000)
    items = documents(arguments.items, 2)
    with tempfile.TemporaryDirectory() as folder, fill(Path(folder), items) as lake:
        began = len(samples)
        figures = draw_all(lake, recipe, ScriptedTeacher(), engine, "bench")
    quarter = max(1, (len(samples) - began) // 4)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        table(
            ["items", "rows/s", "peak MiB", "mean MiB, first quarter", "mean MiB, last quarter"],
            [
                [
                    f"{figures.rows:,}",
                    f"{figures.rows / figures.seconds:,.0f}",
                    f"{peak:,.0f}",
                    f"{sum(samples[began : began + quarter]) / quarter:,.0f}",
                    f"{sum(samples[-quarter:]) / quarter:,.0f}",
                ]
            ],
        )
    )


def _watch(samples: list[float]) -> None:
    """Resident memory of this process in MiB, once a second."""
    while True:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        samples.append(pages * resource.getpagesize() / (1 << 20))
        time.sleep(1.0)


if __name__ == "__main__":
    from thoughtmill.tasks.runtime.environment import default_environment

    default_environment()
    main()

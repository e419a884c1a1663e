"""What a person sees while a stage works: a live line in a terminal, now and then one in a log."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_LOG_EVERY_S = 10.0
_RATE_WINDOW_S = 20.0


class StageProgress:
    """Counts rows, tokens and drops of one stage and shows them.

    `total` is None where it can't be known beforehand.
    """

    def __init__(self, stage: str, *, total: int | None, unit: str) -> None:
        self.stage, self.total, self.unit = stage, total, unit
        self.rows = 0
        self.tokens = 0
        self.drops: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.started = time.monotonic()
        self._recent: list[tuple[float, int, int]] = [(self.started, 0, 0)]
        self._console = Console(stderr=True)
        self._logged = self.started
        self._bar = Progress(
            TextColumn("[bold]{task.description:<10}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(stage, total=total, note="starting")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._bar.stop()

    @property
    def seconds(self) -> float:
        """Time since the stage began."""
        return time.monotonic() - self.started

    def add(
        self,
        rows: int,
        *,
        tokens: int = 0,
        drops: dict[str, int] | None = None,
        outcomes: dict[str, int] | None = None,
    ) -> None:
        """Count what a shard brought: `rows` includes the dropped ones."""
        self.rows += rows
        self.tokens += tokens
        self.drops.update(drops or {})
        self.outcomes.update(outcomes or {})
        self._recent.append((time.monotonic(), self.rows, self.tokens))
        self.tick()

    def tick(self) -> None:
        """Show where things stand."""
        self._bar.update(self._task, completed=self.rows, note=self.note())
        now = time.monotonic()
        if not self._console.is_terminal and now - self._logged >= _LOG_EVERY_S:
            self._logged = now
            of = f" of {self.total:,}" if self.total is not None else ""
            print(f"{self.stage}: {self.rows:,}{of} {self.unit}, {self.note()}", file=sys.stderr)

    def note(self) -> str:
        """Rates, time to go and drops, as one phrase."""
        rows_per_s, tokens_per_s = self._rates()
        parts = []
        if not self.rows:
            parts.append("starting")
        if tokens_per_s:
            parts.append(f"{tokens_per_s:,.0f} tok/s")
        elif rows_per_s:
            parts.append(f"{rows_per_s:,.0f} {self.unit}/s")
        if self.total is not None and rows_per_s and self.rows < self.total:
            parts.append(f"ETA {_clock((self.total - self.rows) / rows_per_s)}")
        if self.drops:
            dropped = ", ".join(
                f"{reason} {count:,}" for reason, count in self.drops.most_common(4)
            )
            parts.append(f"dropped: {dropped}")
        if self.outcomes:
            counts = self.outcomes.most_common(4)
            parts.append(", ".join(f"{outcome} {count:,}" for outcome, count in counts))
        return " · ".join(parts)

    def _rates(self) -> tuple[float, float]:
        """Rows and tokens per second over the last window that saw any."""
        newest = self._recent[-1][0]
        while len(self._recent) > 2 and self._recent[1][0] < newest - _RATE_WINDOW_S:
            self._recent.pop(0)
        since, rows, tokens = self._recent[0]
        seconds = max(time.monotonic() - since, 1e-9)
        return (self.rows - rows) / seconds, (self.tokens - tokens) / seconds


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

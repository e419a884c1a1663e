"""What a person sees while a stage works: a live line in a terminal, now and then one in a log."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from thoughtmill.schemas.teachers import Price

_LOG_EVERY_S = 10.0
_RATE_WINDOW_S = 20.0


def terminal() -> Console:
    """Standard error for live lines: they go on while something else silences descriptor 2."""
    stream = sys.stderr
    if stream is sys.__stderr__ and stream is not None and stream.isatty():
        return Console(file=os.fdopen(os.dup(stream.fileno()), "w"))
    return Console(stderr=True)


def say(line: str) -> None:
    """One line on standard error, at once."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def phase(name: str, *, logged: bool = True) -> Iterator[None]:
    """Show what goes on while the body works: a running clock in a terminal, a line in a log.

    What is not `logged` is shown in a terminal only.
    """
    console = terminal()
    if not console.is_terminal:
        if logged:
            say(f"{name} ...")
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        shown.add_task(name, total=None)
        yield


class StageProgress:
    """Counts rows, tokens and drops of one stage and shows them.

    `total` is None where it can't be known beforehand; `waiting` says what goes on until the first
    rows come.  `price` is the teacher's, where it is known.
    """

    def __init__(
        self,
        stage: str,
        *,
        total: int | None,
        unit: str,
        waiting: str = "starting",
        price: Price | None = None,
    ) -> None:
        self.stage, self.total, self.unit = stage, total, unit
        self.waiting, self.price = waiting, price
        self.rows = 0
        self.tokens = 0
        self.cost = 0.0
        self.drops: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.started = time.monotonic()
        self._recent: list[tuple[float, int, int]] = []
        self._console = terminal()
        self._logged = self.started
        self._log_again_s = _LOG_EVERY_S
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
        self._task = self._bar.add_task(stage, total=total, note=waiting)

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
        prompt_tokens: int = 0,
        drops: dict[str, int] | None = None,
        outcomes: dict[str, int] | None = None,
    ) -> None:
        """Count what a shard brought: `rows` includes the dropped ones."""
        self.rows += rows
        self.tokens += tokens
        if self.price is not None:
            self.cost += self.price.of(prompt_tokens, tokens)
        self.drops.update(drops or {})
        self.outcomes.update(outcomes or {})
        self._recent.append((time.monotonic(), self.rows, self.tokens))
        self._log_again_s = _LOG_EVERY_S
        self.tick()

    def tick(self) -> None:
        """Show where things stand; a log gets fewer lines the longer nothing has changed."""
        self._bar.update(self._task, completed=self.rows, note=self.note())
        now = time.monotonic()
        if not self._console.is_terminal and now - self._logged >= self._log_again_s:
            self._logged = now
            self._log_again_s *= 2
            say(self.line())

    def line(self) -> str:
        """Where things stand, in one line with the time that has gone by."""
        of = f" of {self.total:,}" if self.total is not None else ""
        return f"{self.stage}: {self.rows:,}{of} {self.unit}, {self.note()}, {_clock(self.seconds)}"

    def note(self) -> str:
        """Rates, time to go, cost and drops, as one phrase."""
        rows_per_s, tokens_per_s = self._rates()
        parts = []
        if not self.rows:
            parts.append(self.waiting)
        if tokens_per_s:
            parts.append(f"{tokens_per_s:,.0f} tok/s")
        elif rows_per_s:
            parts.append(f"{rows_per_s:,.0f} {self.unit}/s")
        if self.total is not None and rows_per_s and self.rows < self.total:
            parts.append(f"ETA {_clock((self.total - self.rows) / rows_per_s)}")
        if self.cost:
            parts.append(f"cost {self.cost:,.2f}")
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
        """Rows and tokens per second over the last window that saw any.

        Counted from the first rows on: the time before them is the start, not the work.
        """
        if len(self._recent) < 2:
            return 0.0, 0.0
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

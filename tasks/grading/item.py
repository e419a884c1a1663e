"""Grading one item: rounds of draws, each judged as it ends, until the item's band is settled."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

from thoughtmill.schemas.rows import Drop, Item, Outcome, Trace, Verdict
from thoughtmill.tasks.grading.judge import BatchJudge
from thoughtmill.tasks.grading.settings import GradeSettings, Population
from thoughtmill.tasks.grading.stopping_rule import SequentialTest
from thoughtmill.tasks.recipes.context import FAILURES as BROKEN
from thoughtmill.tasks.verifiers import Claim, Workers, settled

Rows = Sequence[Trace | Drop | Verdict]
Draw = Callable[[int], Awaitable[Rows]]
"""Does the draw of a number; a failure is a drop among its rows."""

FAILURES = (*BROKEN, "prompt_too_long", "sandbox_failed", "missing_image")
"""Drop reasons that say nothing about whether the teacher can solve the item."""

_PROCESSES = 4


class Grader:
    """What a worker needs to grade: the tests, and a judge with its processes."""

    def __init__(self, settings: GradeSettings, fitted: Population | None = None) -> None:
        self._settings = settings
        self._test = SequentialTest(settings, fitted)
        self._test.decide(0, 0, 0)  # the main rule takes a fraction of a second to make
        processes = min(_PROCESSES, len(os.sched_getaffinity(0)))
        self._judge = BatchJudge(settings.cascade, Workers(processes))

    async def grade(
        self, item: Item, done: Mapping[int, Outcome], draw: Draw
    ) -> list[Trace | Drop | Verdict]:
        """All rows of the draws that this item still takes; `done` are those it has, by number.

        Cancelled, it gives the rows of its finished draws, where there are any.
        """
        outcomes = dict(done)
        rows: list[Trace | Drop | Verdict] = []

        async def one(number: int) -> None:
            drawn = await draw(number)
            verdicts, outcome = await self._judged(item, drawn)
            rows.extend((*drawn, *verdicts))
            outcomes[number] = outcome

        while wanted := self.next_draws(outcomes):
            try:
                async with asyncio.TaskGroup() as group:
                    for number in wanted:
                        group.create_task(one(number))
            except asyncio.CancelledError:
                if not rows:
                    raise
                break
        return rows

    def next_draws(self, outcomes: Mapping[int, Outcome]) -> list[int]:
        """Numbers of the draws of the next round; none where the item's band is settled."""
        counts = Counter(outcomes.values())
        wanted = self._test.decide(counts["correct"], counts["incorrect"], counts["undecided"])
        free = (number for number in range(self._settings.k) if number not in outcomes)
        return [number for number, _ in zip(free, range(wanted.draws), strict=False)]

    async def _judged(self, item: Item, drawn: Rows) -> tuple[list[Verdict], Outcome]:
        """New verdicts on a draw's first attempt, and what the draw comes to."""
        for row in drawn:
            if isinstance(row, Trace) and row.parent_trace_id is None:
                verdicts = await self._judge.verdicts(Claim.of(item, row))
                standing = settled(verdicts)
                if row.finish_reason == "length":  # as in the view `graded`
                    return verdicts, "incorrect"
                return verdicts, standing.outcome if standing else "undecided"
        reasons = {row.reason for row in drawn if isinstance(row, Drop)}
        failed = bool(reasons.intersection(FAILURES))
        return [], "undecided" if failed else self._settings.drops_count_as

"""The driver's side of grading: which items are settled, what is left to do, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from thoughtmill.schemas.base import Row
from thoughtmill.tasks.grading.item import FAILURES
from thoughtmill.tasks.grading.settings import GradeSettings, Population
from thoughtmill.tasks.grading.stopping_rule import Decision, SequentialTest, fit
from thoughtmill.tasks.recipes.context import Lane
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.plan import GradeScope, Plan, Standing, plan_grade, standings

UNDECIDED = "undecided"
"""Stands for a band where no draw of an item could be judged."""


class Graded(Row):
    """How the items of a grading stand."""

    teacher: str
    items: int
    settled: int
    """Items whose band is settled."""
    bands: dict[str, int] = Field(default_factory=dict)
    """Settled items by band; `undecided` where no draw of an item could be judged."""
    draws: int
    """Draws of the settled items."""
    tokens: int
    """Tokens written in these."""
    tokens_at_k: int
    """Tokens that k draws of each would have taken, by each item's mean."""
    budget_spent: bool = False
    """Whether the run's token budget ended it."""

    @property
    def unsettled(self) -> int:
        """Items that need further draws."""
        return self.items - self.settled

    @property
    def saved(self) -> float:
        """Share of the tokens of k draws that were not written."""
        return 1 - self.tokens / self.tokens_at_k if self.tokens_at_k else 0.0


@dataclass(frozen=True)
class Grading:
    """A grading of one lane's items in one lake."""

    lake: Lake
    settings: GradeSettings
    scope: GradeScope
    test: SequentialTest
    population: Population | None
    """What fits the pass rates in the lake; None where the settings ask for none or there are
    too few."""

    @classmethod
    def of(
        cls,
        lake: Lake,
        settings: GradeSettings,
        lane: Lane,
        *,
        sources: Sequence[str] | None = None,
        where: str = "true",
        max_items: int | None = None,
        redo: Sequence[str] = (),
    ) -> Grading:
        """Raises `ConfigError` for a predicate that DuckDB refuses."""
        scope = GradeScope(
            recipe_fingerprint=lane.recipe_fingerprint,
            teacher_fingerprint=lane.teacher_fingerprint,
            k=settings.k,
            drops_count_as=settings.drops_count_as,
            failures=FAILURES,
            redo=tuple(redo),
            sources=tuple(sources) if sources is not None else None,
            where=where,
            max_items=max_items,
        )
        population = None
        if settings.population == "lake":
            told = standings(lake, scope)
            population = fit((one.passes, one.fails, one.items) for one in told)
        return cls(lake, settings, scope, SequentialTest(settings, population), population)

    @property
    def unjudged(self) -> int:
        """Items with traces that have no verdict."""
        return sum(one.items for one in standings(self.lake, self.scope) if one.unjudged)

    @property
    def unjudged_traces(self) -> str:
        """SQL predicate over `thoughts`: the traces of this lane that have no verdict."""
        scope = self.scope
        return (
            "trace_id IN (SELECT trace_id FROM traces WHERE "
            f"provenance.recipe_fingerprint = '{scope.recipe_fingerprint}' AND "
            f"provenance.teacher_fingerprint = '{scope.teacher_fingerprint}') "
            "AND trace_id NOT IN (SELECT trace_id FROM verdicts)"
        )

    def plan(self, run_id: str) -> Plan:
        """Write the plan: items that are not settled, with their draws so far."""
        told = standings(self.lake, self.scope)
        settled = {_counts(one) for one in told if not self._decide(one).draws}
        plan = plan_grade(self.lake, run_id, self.scope, sorted(settled))
        wanted = sum(one.items for one in told)
        return Plan(plan.folder, plan.pending, wanted=wanted, since=plan.since)

    def figures(self, teacher: str, *, budget_spent: bool = False) -> Graded:
        """How the items stand now."""
        bands: Counter[str] = Counter()
        items = draws = tokens = 0
        at_k = 0.0
        for one in standings(self.lake, self.scope):
            items += one.items
            wanted, band = self._decide(one)
            if wanted:
                continue
            bands[UNDECIDED if band is None else self.settings.bands[band].name] += one.items
            drawn = one.passes + one.fails + one.undecided
            draws += drawn * one.items
            tokens += one.tokens
            at_k += one.tokens / drawn * self.settings.k
        names = [*(band.name for band in self.settings.bands), UNDECIDED]
        return Graded(
            teacher=teacher,
            items=items,
            settled=bands.total(),
            bands={name: bands[name] for name in names if bands[name]},
            draws=draws,
            tokens=tokens,
            tokens_at_k=round(at_k),
            budget_spent=budget_spent,
        )

    def _decide(self, one: Standing) -> Decision:
        return self.test.decide(one.passes, one.fails, one.undecided)


def _counts(one: Standing) -> str:
    return f"{one.passes}/{one.fails}/{one.undecided}"

"""When an item's band is settled: a sequential test with a stated error rate.

The question is not the item's true pass rate but the band that `k` draws would give, so the band is
certain once no further draw can change it (curtailment), and nearly so earlier.  After n draws
with s passes the passes among all k are beta-binomial; drawing stops where the likeliest band has a
probability of at least `confidence`.  That threshold is the lowest with which the share of items
that end in another band than after k draws is at most `alpha` in each of the `populations`; the
share is computed exactly, by the chance of each path (n, s).

Source: curtailed sampling and predictive stopping of clinical trials (Spiegelhalter et al. 1986,
Controlled Clinical Trials 7:8); the calibration over several populations is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, gammaln
from scipy.stats import binom

from thoughtmill.tasks.grading.settings import MIDDLE, WIDE, GradeSettings, Population

Floats = npt.NDArray[np.float64]
_LEAST_ITEMS = 50
_ROUNDING = 1e-12
_BOUNDS = (0.05, 50.0)


class Decision(NamedTuple):
    """What is to be done with an item."""

    draws: int
    """How many to draw next; 0 where its band is settled."""
    band: int | None
    """The likeliest band; None where no draw was decided."""


class Expected(NamedTuple):
    """What a rule does for an item of a given pass rate."""

    draws: Floats
    """Mean number of draws, by pass rate."""
    wrong: Floats
    """Probability of another band than after all draws, by pass rate."""


@dataclass(frozen=True)
class Rule:
    """The test for items of `horizon` draws that can be decided."""

    horizon: int
    bands: tuple[int, ...]
    """Band of each number of passes, from none to `horizon`."""
    prior: Population
    populations: tuple[Population, ...]
    alpha: float

    def settled(self, draws: int, passes: int) -> bool:
        """Whether to stop here."""
        return bool(self._stop[draws][passes])

    def band(self, draws: int, passes: int) -> int:
        """The likeliest band after `draws`."""
        return int(self._likely[draws][0][passes])

    def ahead(self, draws: int, passes: int) -> int:
        """Fewest further draws after which the band may be settled: none of them is in vain."""
        for more in range(self.horizon - draws + 1):
            if self._stop[draws + more][passes : passes + more + 1].any():
                return more
        raise AssertionError("after all draws every band is settled")

    @property
    def error(self) -> float:
        """Expected share of items in another band, in the worst of the populations."""
        return self._worst(self.confidence)

    @cached_property
    def confidence(self) -> float:
        """Probability of a band from which on it counts as settled."""
        told = {float(p) for n in range(1, self.horizon) for p in self._likely[n][1]}
        candidates = sorted(told | {1.0})
        low, high = 0, len(candidates) - 1
        while low < high:  # nothing is in error at the highest: there only certainty counts
            middle = (low + high) // 2
            if self._worst(candidates[middle]) <= self.alpha + _ROUNDING:
                high = middle
            else:
                low = middle + 1
        return candidates[low]

    def expected(self, pass_rates: Sequence[float] | Floats) -> Expected:
        """Exact draws and errors for items of these pass rates."""
        rates = np.asarray(pass_rates, dtype=float)
        drawn, wrong = np.zeros_like(rates), np.zeros_like(rates)
        reach = np.ones((len(rates), 1))
        for n in range(self.horizon + 1):
            stop, left = self._stop[n], self.horizon - n
            for s in np.flatnonzero(stop):
                other = np.asarray(self.bands[s : s + left + 1]) != self.band(n, s)
                rest = binom.pmf(np.arange(left + 1)[other], left, rates[:, None]).sum(axis=1)
                drawn += reach[:, s] * n
                wrong += reach[:, s] * rest
            going = np.where(stop, 0.0, reach)
            reach = np.zeros((len(rates), n + 2))
            reach[:, :-1] += going * (1 - rates[:, None])
            reach[:, 1:] += going * rates[:, None]
        return Expected(drawn, wrong)

    @cached_property
    def _likely(self) -> list[tuple[npt.NDArray[np.intp], Floats]]:
        """By draws: the likeliest band and its probability, by passes."""
        found = []
        for n in range(self.horizon + 1):
            chances = self._band_chances(self.prior, n)
            found.append((chances.argmax(axis=1), chances.max(axis=1)))
        return found

    @cached_property
    def _stop(self) -> list[npt.NDArray[np.bool_]]:
        return self._stops(self.confidence)

    def _stops(self, confidence: float) -> list[npt.NDArray[np.bool_]]:
        """By draws and passes: whether to stop."""
        stops = [likely[1] >= confidence - _ROUNDING for likely in self._likely]
        stops[0][:] = self.horizon == 0
        stops[-1][:] = True
        return stops

    def _worst(self, confidence: float) -> float:
        stops = self._stops(confidence)
        return max(self._wrong(stops, population) for population in self.populations)

    def _wrong(self, stops: list[npt.NDArray[np.bool_]], population: Population) -> float:
        """Share of a population's items that end in another band."""
        wrong, reach = 0.0, np.ones(1)
        for n, stop in enumerate(stops):
            ended = np.flatnonzero(stop & (reach > 0))
            if len(ended) and n < self.horizon:
                chances = self._chances[population][n]
                right = chances[ended, self._likely[n][0][ended]]
                wrong += float((reach[ended] * (1 - right)).sum())
            going = np.where(stop, 0.0, reach)
            passing = (population.a + np.arange(n + 1)) / (population.a + population.b + n)
            reach = np.append(going * (1 - passing), 0.0)
            reach[1:] += going * passing
        return wrong

    @cached_property
    def _chances(self) -> dict[Population, list[Floats]]:
        return {
            population: [self._band_chances(population, n) for n in range(self.horizon + 1)]
            for population in self.populations
        }

    def _band_chances(self, population: Population, draws: int) -> Floats:
        """By passes so far: the probability of each band after all draws."""
        left = self.horizon - draws
        ahead = predicted(population, draws, left)
        chances = np.zeros((draws + 1, max(self.bands) + 1))
        for passes in range(draws + 1):
            final = self.bands[passes : passes + left + 1]
            chances[passes] = np.bincount(final, ahead[passes], minlength=chances.shape[1])
        return chances


def predicted(population: Population, draws: int, more: int) -> Floats:
    """Beta-binomial chances of 0 to `more` passes in `more` draws; a row for each past success."""
    passes = np.arange(draws + 1)[:, None]
    new = np.arange(more + 1)[None, :]
    a, b = population.a + passes, population.b + draws - passes
    ways = gammaln(more + 1) - gammaln(new + 1) - gammaln(more - new + 1)
    chances: Floats = np.exp(ways + betaln(a + new, b + more - new) - betaln(a, b))
    total: Floats = chances.sum(axis=1, keepdims=True)
    return np.divide(chances, total)


class SequentialTest:
    """The rules of one grading: one for each number of draws that may yet be decided."""

    def __init__(self, settings: GradeSettings, fitted: Population | None = None) -> None:
        """`fitted` is the population of the lake, for settings that ask for it."""
        self.settings = settings
        population = settings.population
        self._populations: tuple[Population, ...]
        if isinstance(population, Population):
            self._prior, self._populations = population, (population,)
        elif population == "lake" and fitted is not None:
            self._prior, self._populations = fitted, (fitted,)
        else:
            self._prior, self._populations = MIDDLE, WIDE
        self._rule = lru_cache(maxsize=None)(self._make)

    def rule(self, horizon: int) -> Rule:
        """The rule for items of so many draws that can be decided."""
        return self._rule(horizon)

    def decide(self, passes: int, fails: int, undecided: int) -> Decision:
        """What to do with an item after these draws.  Undecided draws shorten its horizon."""
        settings = self.settings
        left = settings.k - passes - fails - undecided
        decided = passes + fails
        horizon = decided + max(left, 0)
        if not horizon or (not decided and undecided >= settings.give_up):
            return Decision(0, None)
        rule = self.rule(horizon)
        if rule.settled(decided, passes):
            return Decision(0, rule.band(decided, passes))
        more = max(rule.ahead(decided, passes), settings.least_round)
        return Decision(min(more, left), rule.band(decided, passes) if decided else None)

    def _make(self, horizon: int) -> Rule:
        bands = tuple(self.settings.bands_of(horizon))
        return Rule(horizon, bands, self._prior, self._populations, self.settings.alpha)


def fit(counts: Iterable[tuple[int, int, int]]) -> Population | None:
    """The Beta distribution of greatest likelihood; None of fewer than 50 items.

    `counts` are passes, fails and how many items have them.  When an item was stopped does not
    matter: a stopping rule that looks at the draws alone leaves the likelihood as it is.
    """
    told = np.array([row for row in counts if row[0] + row[1]], dtype=float).reshape(-1, 3)
    passes, fails, items = told.T
    if items.sum() < _LEAST_ITEMS:
        return None

    def unlikely(logs: Floats) -> float:
        a, b = np.exp(logs)
        return -float((items * (betaln(a + passes, b + fails) - betaln(a, b))).sum())

    limits = [tuple(np.log(_BOUNDS))] * 2
    best = minimize(unlikely, np.zeros(2), method="L-BFGS-B", bounds=limits)
    a, b = np.exp(best.x)
    return Population(a=float(a), b=float(b))

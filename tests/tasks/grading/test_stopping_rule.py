"""The sequential test against simulated items: exact figures, seeded draws, known populations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pydantic import ValidationError

from thoughtmill.tasks.grading.settings import WIDE, Band, GradeSettings, Population
from thoughtmill.tasks.grading.stopping_rule import SequentialTest, fit, predicted

K = 16
POPULATIONS = {
    "uniform": lambda rng, n: rng.uniform(size=n),
    "u_shaped": lambda rng, n: rng.beta(0.3, 0.3, size=n),
    "levels": lambda rng, n: np.clip(rng.choice([1, 0.94, 0.62, 0.26, 0.01], size=n), 0, 1),
}
FINE = (
    Band(name="unsolved", up_to=0),
    Band(name="hard", up_to=0.25),
    Band(name="medium", up_to=0.7),
    Band(name="easy", below=1),
    Band(name="always"),
)


def graded(tests: SequentialTest, draws: np.ndarray) -> tuple[int, int]:
    """Draws used for an item whose k draws are these, and its band."""
    used = 0
    while True:
        passes = int(draws[:used].sum())
        more, band = tests.decide(passes, used - passes, 0)
        if not more:
            return used, band
        used += more


def simulated(settings: GradeSettings, rates: np.ndarray, rng) -> tuple[float, float]:
    """Share of draws saved against k, and share of bands that are those of all k draws."""
    tests = SequentialTest(settings)
    used = agreeing = 0
    for rate in rates:
        draws = rng.random(settings.k) < rate
        took, band = graded(tests, draws)
        used += took
        agreeing += band == settings.band_of(int(draws.sum()), settings.k)
    return 1 - used / (settings.k * len(rates)), agreeing / len(rates)


@pytest.mark.parametrize(
    ("population", "least_saved"), [("uniform", 0.34), ("u_shaped", 0.5), ("levels", 0.5)]
)
def test_rule_when_items_are_simulated_then_bands_agree_and_draws_are_saved(
    population, least_saved
):
    rng = np.random.default_rng(7)
    rates = POPULATIONS[population](rng, 4000)
    saved, agreement = simulated(GradeSettings(), rates, rng)
    assert agreement >= 0.97
    assert saved >= least_saved - 0.01  # four standard errors of 4,000 items


def test_rule_when_the_bands_are_fine_then_little_is_saved_and_the_error_still_holds():
    rng = np.random.default_rng(8)
    saved, agreement = simulated(GradeSettings(bands=FINE), rng.uniform(size=2000), rng)
    assert agreement >= 0.965
    assert 0.15 < saved < 0.3


def test_rule_when_alpha_is_given_then_the_exact_error_is_below_it_in_every_population():
    for alpha in (0.0, 0.01, 0.03, 0.1):
        rule = SequentialTest(GradeSettings(alpha=alpha)).rule(K)
        assert rule.error <= alpha + 1e-12
        assert rule.populations == WIDE
    assert SequentialTest(GradeSettings(alpha=0.1)).rule(K).error > 0.03


def test_rule_when_exact_figures_are_compared_with_simulated_ones_then_they_agree():
    rule = SequentialTest(GradeSettings()).rule(K)
    rng = np.random.default_rng(9)
    rates = np.array([0.02, 0.3, 0.5, 0.75, 0.95])
    expected = rule.expected(rates)
    for rate, draws, wrong in zip(rates, expected.draws, expected.wrong, strict=True):
        saved, agreement = simulated(GradeSettings(), np.full(3000, rate), rng)
        assert K * (1 - saved) == pytest.approx(draws, abs=0.3)
        assert 1 - agreement == pytest.approx(wrong, abs=0.02)


def test_rule_when_alpha_is_zero_then_only_certain_bands_stop_it():
    tests = SequentialTest(GradeSettings(alpha=0))
    settings = tests.settings
    for draws in range(K + 1):
        for passes in range(draws + 1):
            reachable = {settings.band_of(passes + n, K) for n in range(K - draws + 1)}
            done = tests.decide(passes, draws - passes, 0).draws == 0
            assert done == (len(reachable) == 1)


def test_rounds_when_drawn_then_no_draw_of_a_round_is_in_vain():
    tests = SequentialTest(GradeSettings())
    for draws, passes in itertools.product(range(K), range(K)):
        more = tests.decide(passes, draws - passes, 0).draws if passes <= draws else 0
        for earlier in range(1, more):
            for new in range(earlier + 1):
                after = tests.decide(passes + new, draws - passes + earlier - new, 0)
                assert after.draws > 0


def test_rounds_when_a_least_size_is_given_then_it_is_kept_but_for_the_end():
    tests = SequentialTest(GradeSettings(least_round=4))
    assert tests.decide(4, 4, 0).draws >= 4
    assert tests.decide(4, 11, 0).draws == 1


def test_decide_when_draws_are_undecided_then_the_others_are_what_counts():
    tests = SequentialTest(GradeSettings())
    assert tests.decide(0, 12, 4) == (0, 0)
    assert tests.decide(8, 0, 8) == (0, 2)
    more, band = tests.decide(2, 2, 2)
    assert 0 < more <= K - 6
    assert band == 1


@pytest.mark.parametrize(("undecided", "more"), [(3, True), (4, False), (16, False)])
def test_decide_when_nothing_can_be_judged_then_the_item_is_left_without_a_band(undecided, more):
    decision = SequentialTest(GradeSettings()).decide(0, 0, undecided)
    assert (decision.draws > 0) is more
    assert decision.band is None


def test_band_when_settled_early_then_it_is_the_band_of_the_rate_so_far():
    for bands in (GradeSettings().bands, FINE):
        tests = SequentialTest(GradeSettings(bands=bands))
        for draws in range(1, K + 1):
            for passes in range(draws + 1):
                more, band = tests.decide(passes, draws - passes, 0)
                if not more:
                    assert band == tests.settings.band_of(passes, draws)


def test_settings_when_default_then_bands_of_16_are_4_11_16():
    assert GradeSettings().bands_of(16) == [0] * 5 + [1] * 7 + [2] * 5
    assert GradeSettings(bands=FINE).bands_of(16) == [0] + [1] * 4 + [2] * 7 + [3] * 4 + [4]


@pytest.mark.parametrize(
    ("bands", "told"),
    [
        ([{"name": "a", "up_to": 0.5}, {"name": "b", "up_to": 0.2}], "in order"),
        ([{"name": "a", "up_to": 0.5}, {"name": "b", "up_to": 0.9}], "must have no end"),
        ([{"name": "a", "up_to": 0.5, "below": 0.4}, {"name": "b"}], "not both"),
        ([{"name": "a"}], "at least 2"),
    ],
)
def test_settings_when_bands_make_no_sense_then_the_error_says_why(bands, told):
    with pytest.raises(ValidationError, match=told):
        GradeSettings(bands=bands)


def test_settings_when_a_verifier_asks_a_helper_then_it_is_refused_by_name():
    with pytest.raises(ValidationError, match="'judge' asks a helper"):
        GradeSettings(cascade={"tiers": [{"kind": "exact"}, {"kind": "judge"}]})


def test_predicted_when_the_population_is_uniform_then_it_is_the_rule_of_succession():
    chances = predicted(Population(a=1, b=1), 3, 1)
    assert chances[:, 1] == pytest.approx([1 / 5, 2 / 5, 3 / 5, 4 / 5])
    assert predicted(Population(a=0.3, b=0.3), 5, 11).sum(axis=1) == pytest.approx(np.ones(6))


def test_fit_when_items_stopped_early_then_it_finds_their_population():
    rng = np.random.default_rng(10)
    tests = SequentialTest(GradeSettings())
    counts = []
    for rate in rng.beta(0.4, 0.8, size=4000):
        draws = rng.random(K) < rate
        used, _ = graded(tests, draws)
        passes = int(draws[:used].sum())
        counts.append((passes, used - passes, 1))
    found = fit(counts)
    assert (found.a, found.b) == (pytest.approx(0.4, rel=0.15), pytest.approx(0.8, rel=0.15))
    assert fit(counts[:20]) is None


def test_tests_when_the_lakes_population_is_known_then_more_is_saved():
    counts = [(16, 0, 40), (0, 16, 40), (8, 8, 4), (14, 2, 6), (2, 14, 6)]
    settings = GradeSettings(population="lake")
    rates = np.array([0.0, 1.0])
    by_lake = SequentialTest(settings, fit(counts)).rule(K).expected(rates)
    by_any = SequentialTest(settings, None).rule(K).expected(rates)
    assert by_lake.draws.sum() < by_any.draws.sum()

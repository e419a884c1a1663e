"""Properties that every mix has, whatever its pool: they are what makes a budget a cut."""

from __future__ import annotations

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from thoughtmill.warehouse.mix.order import POOL, Claim, interleave, queue_up

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=30)


@st.composite
def mixes(draw: st.DrawFn) -> tuple[pl.DataFrame, list[Claim]]:
    """A pool of one to four components, and what each may take."""
    parts = draw(st.lists(SIZES, min_size=1, max_size=4))
    weights = draw(st.lists(st.integers(1, 9), min_size=len(parts), max_size=len(parts)))
    epochs = draw(
        st.lists(st.sampled_from([0.5, 1, 1.5, 3]), min_size=len(parts), max_size=len(parts))
    )
    rows = [(component, size) for component, sizes in enumerate(parts) for size in sizes]
    lots = draw(st.permutations(range(len(rows))))
    merits = draw(st.lists(st.sampled_from([None, 0.5, 2.0]), min_size=4, max_size=4))
    pool = pl.DataFrame(
        {
            "row": range(len(rows)),
            "component": [component for component, _ in rows],
            "size": [size for _, size in rows],
            "lot": [lot // 2 for lot in lots],  # pairs of equal lots: the tie decides
            "tie": lots,
            "merit": [merits[component] for component, _ in rows],
        },
        schema=POOL,
    )
    whole = sum(weights)
    return pool, [Claim(w / whole, e) for w, e in zip(weights, epochs, strict=True)]


def drawn(pool: pl.DataFrame, claims: list[Claim], budget: int) -> pl.DataFrame:
    queues = [queue_up(pool, number) for number in range(len(claims))]
    return interleave(queues, claims, budget)


@given(mixes(), st.integers(1, 600), st.integers(0, 600))
def test_mix_when_the_budget_grows_then_the_smaller_mix_is_its_beginning(mix, budget, more):
    small, large = drawn(*mix, budget), drawn(*mix, budget + more)
    assert large.head(small.height).equals(small)


@given(mixes(), st.integers(1, 600))
def test_mix_when_drawn_then_it_is_within_one_row_of_the_budget_or_all_there_is(mix, budget):
    taken = drawn(*mix, budget)
    after = drawn(*mix, budget + 10_000)
    assert taken["size"].sum() <= budget
    if after.height > taken.height:
        assert taken["size"].sum() + after["size"][taken.height] > budget


@given(mixes(), st.integers(1, 600))
def test_mix_when_no_component_has_run_out_then_each_is_within_one_row_of_its_share(mix, budget):
    pool, claims = mix
    taken = drawn(pool, claims, budget)
    total = taken["size"].sum()
    largest = pool["size"].max()
    for number, claim in enumerate(claims):
        there = pool.filter(pl.col("component") == number)["size"].sum() * claim.epochs
        if there < claim.share * total + len(claims) * largest:
            return
    for number, claim in enumerate(claims):
        mine = taken.filter(pl.col("component") == number)["size"].sum()
        assert abs(mine - claim.share * total) <= largest * max(1, len(claims) - 1)


@given(mixes(), st.integers(1, 3000))
def test_mix_when_rows_repeat_then_no_more_than_their_limit_and_only_after_all_came_once(
    mix, budget
):
    pool, claims = mix
    taken = drawn(pool, claims, budget)
    for number, claim in enumerate(claims):
        mine = taken.filter(pl.col("component") == number)
        there = pool.filter(pl.col("component") == number)
        assert mine["size"].sum() <= there["size"].sum() * claim.epochs
        assert mine["epoch"].is_sorted()
        times = Counter(mine["row"])
        assert (
            max(times.values(), default=0) - min((times[row] for row in there["row"]), default=0)
            <= 1
        )


@given(mixes(), st.integers(1, 600), st.randoms(use_true_random=False))
def test_mix_when_the_pool_comes_in_another_order_then_the_mix_is_the_same(mix, budget, random):
    pool, claims = mix
    places = list(range(pool.height))
    random.shuffle(places)
    assert drawn(pool[places], claims, budget).equals(drawn(pool, claims, budget))


def test_mix_when_a_component_has_merit_then_its_highest_come_first_and_nulls_last():
    pool = pl.DataFrame(
        {
            "row": range(4),
            "component": [0] * 4,
            "size": [1] * 4,
            "lot": [3, 2, 1, 0],
            "tie": [0] * 4,
            "merit": [None, 5.0, 7.0, 5.0],
        },
        schema=POOL,
    )
    assert drawn(pool, [Claim(1.0, 1)], 10)["row"].to_list() == [2, 3, 1, 0]


def test_mix_when_a_component_is_empty_then_the_others_are_drawn():
    pool = pl.DataFrame(
        {"row": [0], "component": [1], "size": [2], "lot": [0], "tie": [0], "merit": [None]},
        schema=POOL,
    )
    assert drawn(pool, [Claim(0.5, 4), Claim(0.5, 2)], 10)["epoch"].to_list() == [0, 1]

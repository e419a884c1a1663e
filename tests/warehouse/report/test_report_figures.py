"""The figures of a report against lakes whose rows are known."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.lakes import committer, draws_shard, item, land_items, trace
from tests.report_lakes import DRAWS, ITEMS, draw, show_lake
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.report.figures import gather, wilson
from thoughtmill.warehouse.report.sample import MOST_BYTES


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    return show_lake(tmp_path_factory.mktemp("report") / "lake")


@pytest.fixture(scope="module")
def figures(shown):
    return gather(shown)


def test_gather_when_the_lake_is_whole_then_the_funnel_counts_every_step(figures):
    funnel = figures.funnel
    assert (funnel.items, funnel.traces, funnel.draw_drops) == (ITEMS, ITEMS * DRAWS, 8)
    assert funnel.pending == 3  # what the newest of the two stages left, not the 9 before it
    assert funnel.wanted == 80 + 8 + 3
    # Of every five items, level n has 5 - n right draws of 4, and none at level 5.
    assert funnel.outcomes == {"correct": 39, "incorrect": 33, "undecided": 4, "unjudged": 4}
    assert funnel.eligible == 80 - 11  # ten duplicates, two repetitive, one trace is both
    assert funnel.published is None


def test_gather_when_a_run_is_asked_for_then_only_its_rows_count(shown):
    figures = gather(shown, "first")
    assert figures.scope.title == "Run first"
    assert (figures.funnel.items, figures.funnel.traces, figures.funnel.pending) == (14, 48, 9)
    assert sum(figures.outcomes.values()) == 48
    assert {row["trace_id"] for row in figures.sample.traces} <= {
        draw(n, which, run_id="first").trace_id for n in range(12) for which in range(DRAWS)
    }


def test_gather_when_a_name_is_asked_for_then_all_its_runs_count(shown):
    figures = gather(shown, "sums")
    assert figures.scope.title == "2 runs named sums"
    assert figures.funnel.traces == 80


def test_gather_when_pass_rates_are_asked_by_level_then_bounds_are_wilsons(figures):
    assert figures.grouped_by == "level"
    rates = {row.group: (row.passes, row.draws) for row in figures.rates}
    assert rates == {"1": (16, 16), "2": (12, 16), "3": (8, 16), "4": (3, 12), "5": (0, 12)}
    assert sum(row.items for row in figures.solved) == ITEMS - 2  # one undecided, one unjudged
    assert {row.band for row in figures.solved if row.pass_rate == 0} == {"hard"}


@pytest.mark.parametrize(
    ("passes", "draws", "low", "high"),
    # Values of R's prop.test(correct = FALSE), rounded.
    [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0), (1, 4, 0.046, 0.699)],
)
def test_wilson_when_draws_are_few_then_bounds_stay_inside_and_apart(passes, draws, low, high):
    assert wilson(passes, draws) == pytest.approx((low, high), abs=0.001)


def test_gather_when_screens_overlap_then_both_count_the_trace_and_neither_alone(figures):
    rows = {row.screen: (row.traces, row.only) for row in figures.objections}
    assert rows == {"near_duplicate@1": (10, 9), "repetition@1": (2, 1)}


def test_gather_when_traces_overlap_in_time_then_speed_adds_up_to_all_tokens(figures):
    written = sum(figures.speed) * figures.stretch_seconds
    assert written == pytest.approx(figures.lengths.total, rel=1e-6)
    # 40,000 seconds lie between the runs; their own times are 17 and 13 seconds.
    assert figures.stretch_seconds * len(figures.speed) < 40


def test_gather_when_one_trace_is_very_long_then_the_others_keep_their_columns(figures):
    lengths = figures.lengths
    assert lengths.most == 8002
    assert lengths.first + lengths.bins * lengths.width < 400
    assert sum(map(sum, lengths.counts.values())) == 80


def test_gather_when_the_lake_is_empty_then_all_is_zero(settings):
    figures = gather(settings)
    assert figures.funnel.traces == figures.funnel.items == figures.lengths.total == 0
    assert figures.speed == figures.rates == figures.costs == figures.sample.traces == ()


def test_gather_when_nothing_was_judged_then_traces_are_unjudged(small):
    figures = gather(small)
    assert figures.funnel.outcomes == {"unjudged": 5}
    assert figures.solved == ()


def test_gather_when_views_are_missing_then_the_rest_is_there(small):
    with Lake.create(small) as lake:
        for view in ("difficulty", "judged"):
            lake.connection.execute(f"DROP VIEW {view}")
    figures = gather(small)
    assert figures.missing == ("judged", "difficulty")
    assert figures.funnel.traces == 5


def test_gather_when_a_dataset_is_named_then_its_rows_are_the_last_step(shown, tmp_path):
    chosen = [draw(n, 1, run_id="first").trace_id for n in range(6)]
    publish(tmp_path / "mix", {"trace_id": [*chosen, chosen[0]]})
    of_lake = gather(shown, published=tmp_path / "mix")
    assert (of_lake.funnel.published, of_lake.lengths.traces) == (7, 80)
    of_mix = gather(shown, str(tmp_path / "mix"))
    assert of_mix.funnel.traces == 80
    assert (of_mix.funnel.published, of_mix.lengths.traces) == (7, 6)
    assert {row["trace_id"] for row in of_mix.sample.traces} == set(chosen)


def test_gather_when_what_is_asked_is_not_there_then_the_error_says_what_is(shown, tmp_path):
    with pytest.raises(ConfigError, match="it has second, first"):
        gather(shown, "third")
    with pytest.raises(ConfigError, match="holds no Parquet files"):
        gather(shown, str(tmp_path))
    publish(tmp_path / "bare", {"text": ["a"]})
    with pytest.raises(ConfigError, match="no column trace_id"):
        gather(shown, published=tmp_path / "bare")


def test_gather_when_the_start_of_an_id_fits_two_runs_then_both_are_named(lake, small):
    with Lake.create(small) as opened:
        for run_id in ("tiny-1", "tiny-2"):
            opened.connection.execute(
                "INSERT INTO runs VALUES (?, 'other', 'synthesize', '{}', now(), NULL, '', NULL)",
                [run_id],
            )
    with pytest.raises(ConfigError, match="2 runs begin with 'tiny': name one in full"):
        gather(small, "tiny")


def test_sample_when_texts_are_long_then_they_keep_head_and_tail_and_all_stay_bounded(lake):
    text = "".join(f"word{n} " for n in range(40_000))
    segments = trace(0).segments
    rows = [
        trace(n, segments=(segments[1].model_copy(update={"text": text}),) * 30) for n in range(20)
    ]
    land_items(lake, [item(n) for n in range(20)])
    committer(lake).commit(draws_shard(lake.settings, rows, range(20)))
    sample = gather(lake.settings).sample
    first = sample.traces[0]["segments"][0]
    assert (first["head"], first["tail"]) == (text[:6000], text[-2000:])
    assert first["chars"] == len(text)
    assert 0 < len(sample.traces) < 20
    assert sample.left_out == 20 - len(sample.traces)
    assert len(str(sample.traces)) < 1.2 * MOST_BYTES


def test_sample_when_groups_differ_in_size_then_each_is_seen(shown):
    seen = {(row["recipe"], row["outcome"]) for row in gather(shown, traces=24).sample.traces}
    outcomes = ("correct", "incorrect", "undecided", "unjudged")
    assert seen == {(r, o) for r in ("solve", "code_integrated") for o in outcomes}


def publish(folder: Path, columns: dict[str, list[str]]) -> None:
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "data" / "train-0.parquet")

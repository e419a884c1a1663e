"""Mixes drawn from a real lake."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lakes import committer, draws_shard, land_items
from tests.mixes import attempt, document, mix_of, mixed_lake, passes, problem
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.export import export
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.mix.config import MixConfig
from thoughtmill.warehouse.mix.mix import Draw, draw, require
from thoughtmill.warehouse.mix.record import publish_mix
from thoughtmill.warehouse.report.figures import gather

PICO = str(Path(__file__).parents[3] / "models" / "pico")

HALVES = (
    {"name": "algebra", "where": "domain = 'algebra'", "weight": 1},
    {"name": "others", "weight": 1},
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> LakeSettings:
    return mixed_lake(tmp_path_factory.mktemp("mix") / "lake")


@pytest.fixture(scope="module")
def lake(source: LakeSettings) -> Iterator[Lake]:
    with Lake.open(source) as opened:
        yield opened


def chosen(lake: Lake) -> list[tuple]:
    return lake.rows("SELECT trace_id, component, epoch, tokens FROM chosen ORDER BY position")


def sampled(lake: Lake, columns: str) -> list[tuple]:
    """Columns of `samples` for the drawn rows, in their order."""
    return lake.rows(
        f"SELECT {columns} FROM chosen AS c JOIN samples USING (trace_id) ORDER BY c.position"
    )


def one(lake: Lake, **asked) -> Draw:
    """Draw a mix of a single component."""
    whole = {"budget", "unit", "seed", "stage", "size", "shortfall"}
    mix = {key: value for key, value in asked.items() if key in whole}
    part = {key: value for key, value in asked.items() if key not in whole}
    component = {"name": "all", "weight": 1, **part}
    return draw(lake, mix_of(components=[component], **mix))


def snapshot_of(source: LakeSettings) -> int:
    with Lake.open(source) as lake:
        return lake.snapshot()


def drawn_elsewhere(source: LakeSettings, asked: dict, to: multiprocessing.Queue) -> None:
    """Child process: draw a mix and send what came out."""
    with Lake.open(source) as lake:
        found = draw(lake, mix_of(**asked))
        to.put((found.draw_hash, chosen(lake)))


def test_mix_when_drawn_in_two_processes_then_rows_order_and_hash_are_the_same(source, lake):
    asked = {"stage": "pretraining", "budget": 900, "seed": 3, "components": HALVES}
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    child = spawn.Process(target=drawn_elsewhere, args=(source, asked, answers))
    child.start()
    here = draw(lake, mix_of(**asked))
    assert answers.get(timeout=120) == (here.draw_hash, chosen(lake))
    child.join()


def test_mix_when_the_seed_changes_then_the_rows_do(lake):
    hashes = {
        draw(lake, mix_of(stage="pretraining", budget=900, seed=s, components=HALVES)).draw_hash
        for s in range(4)
    }
    assert len(hashes) == 4


@pytest.mark.parametrize("stage", ["pretraining", "sft"])
def test_mix_when_the_budget_grows_then_it_begins_with_the_smaller_one(lake, stage):
    found = []
    for budget in (100, 350, 900):
        draw(lake, mix_of(stage=stage, budget=budget, shortfall="fill", components=HALVES))
        found.append(chosen(lake))
    assert found[1][: len(found[0])] == found[0]
    assert found[2][: len(found[1])] == found[1]
    assert 0 < len(found[0]) < len(found[1]) < len(found[2])


def test_mix_when_more_is_committed_then_its_snapshot_gives_the_same_rows(tmp_path):
    settings = mixed_lake(tmp_path / "lake")
    asked = mix_of(stage="pretraining", budget=900, components=HALVES)
    with Lake.open(settings) as lake:
        first, rows = draw(lake, asked), chosen(lake)
    with Lake.create(settings) as lake:
        more = [document(n) for n in range(50, 60)]
        land_items(lake, more)
        made = [attempt(of, n, 0) for n, of in enumerate(more)]
        committer(lake, "run-2").commit(draws_shard(settings, made, range(len(made))))
    with Lake.open(settings) as lake:
        assert draw(lake, asked).draw_hash != first.draw_hash
    with Lake.open(settings, snapshot=first.snapshot) as lake:
        assert (draw(lake, asked), chosen(lake)) == (first, rows)


def test_mix_when_a_row_fits_two_components_then_it_belongs_to_the_first(lake):
    draw(lake, mix_of(stage="pretraining", budget=10_000, shortfall="fill", components=HALVES))
    found = set(sampled(lake, "component, domain"))
    assert found == {(0, "algebra"), (1, "geometry"), (1, "coding"), (1, "hills")}


def test_mix_when_components_name_tokens_then_these_are_budget_and_shares(lake):
    components = [
        {"name": "documents", "where": "kind = 'document'", "tokens": 100},
        {"name": "problems", "tokens": 300},
    ]
    found = draw(lake, mix_of(stage="pretraining", components=components))
    largest = max(tokens for *_, tokens in chosen(lake))
    assert found.budget == 400
    assert 400 - largest < found.tokens <= 400
    for part, asked in zip(found.parts, components, strict=True):
        assert abs(part.tokens - asked["tokens"]) < largest


def test_mix_when_best_comes_first_then_rows_fall_by_the_expression(lake):
    one(lake, stage="pretraining", budget=600, order="best", by="thinking_tokens % 20")
    values = [value for (value,) in sampled(lake, "thinking_tokens % 20")]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) > 1


def test_mix_when_halving_then_domains_take_turns_and_long_thoughts_come_early(lake):
    one(lake, stage="sft", budget=12, unit="rows", order="halving", where="kind = 'problem'")
    domains = [domain for (domain,) in sampled(lake, "domain")]
    assert all(
        set(domains[start : start + 3]) == {"algebra", "geometry", "coding"}
        for start in range(0, 12, 3)
    )
    early = [tokens for (tokens,) in sampled(lake, "thinking_tokens")]
    everything = lake.one(
        "SELECT avg(thinking_tokens) FROM samples WHERE outcome = 'correct' AND kind = 'problem'"
    )
    assert sum(early[:6]) / 6 > everything


def test_mix_when_sources_and_items_are_capped_then_no_more_than_that_is_drawn(lake):
    caps = [{"by": "item_id", "rows": 2}, {"by": "source", "tokens": 400}]
    one(lake, stage="sft", budget=5_000, shortfall="fill", caps=caps)
    per_item = Counter(item for (item,) in sampled(lake, "item_id"))
    assert max(per_item.values()) == 2
    per_source = Counter()
    for source, tokens in sampled(lake, "source, c.tokens"):
        per_source[source] += tokens
    assert set(per_source) == {"set-0", "set-1"}
    assert all(300 < tokens <= 400 for tokens in per_source.values())


@pytest.mark.parametrize(("epochs", "most"), [(1, 1), (2.5, 3), (None, 4)])
def test_mix_when_rows_repeat_then_as_often_as_the_component_or_the_stage_says(lake, epochs, most):
    found = one(
        lake,
        stage="pretraining",
        budget=100_000,
        shortfall="fill",
        where="kind = 'document'",
        epochs=epochs,
    )
    assert max(Counter(row[0] for row in chosen(lake)).values()) == most
    assert found.problems
    with pytest.raises(ConfigError, match=r"give .* with their repeats: lower it"):
        require(found)


def test_mix_when_the_stage_is_rl_then_each_item_comes_once_with_a_rate_between(lake):
    one(lake, stage="rl", budget=1_000, shortfall="fill")
    rates = dict(sampled(lake, "item_id, pass_rate"))
    between = {problem(n).item_id for n in range(24) if 0 < passes(n) < 4}
    assert set(rates) == between
    assert len(sampled(lake, "item_id")) == len(between)
    assert all(0 < rate < 1 for rate in rates.values())


def test_mix_when_the_stage_is_sft_then_only_correct_traces_are_drawn(lake):
    one(lake, stage="sft", budget=100_000, shortfall="fill")
    assert set(sampled(lake, "outcome")) == {("correct",)}
    assert len(chosen(lake)) == sum(passes(n) for n in range(24))


def test_samples_when_a_trace_is_scored_and_judged_then_the_row_says_so(lake):
    number = 8
    rows = lake.rows(
        "SELECT draw, outcome, pass_rate, band, draws, tokens, thinking_tokens, "
        "scores['repetition@1'], category, source FROM samples WHERE item_id = ? ORDER BY draw",
        [problem(number).item_id],
    )
    for trial, row in enumerate(rows):
        thought = 10 + (number * 7 + trial * 13) % 48
        outcome = "correct" if trial < 3 else "incorrect"
        assert row == (
            trial,
            outcome,
            0.75,
            "easy",
            4,
            thought + 4,
            thought,
            0.25,
            "code",
            "set-0",
        )


def test_samples_when_a_screen_objects_then_the_trace_is_not_there(tmp_path):
    settings = mixed_lake(tmp_path / "lake")
    out = attempt(document(1), 1, 0)
    with Lake.create(settings) as lake:
        before = lake.one("SELECT count(*) FROM samples")
        lake.connection.execute(
            "INSERT INTO exclusions (trace_id, screen, reason) VALUES (?, 'length@1', 'long')",
            [out.trace_id],
        )
        assert lake.one("SELECT count(*) FROM eligible") == before - 1
        assert lake.one("SELECT count(*) FROM samples") == before - 1


def test_mix_when_a_component_is_empty_then_the_error_says_what_is_there(lake):
    found = one(lake, stage="sft", budget=10, where="domain = 'hills'")
    with pytest.raises(ConfigError) as refused:
        require(found)
    assert str(refused.value) == (
        "components.all is empty: of 108 eligible traces 46 meet the mix's `finish_reason = 'stop'"
        " AND accepted`, 12 fit its own `domain = 'hills'`, none both (domains there: "
        "algebra 32, coding 32, geometry 32, hills 12)"
    )


def test_mix_when_an_earlier_component_takes_all_then_the_error_says_so(lake):
    components = [{"name": "all", "weight": 1}, {"name": "rest", "weight": 1}]
    found = draw(lake, mix_of(stage="pretraining", budget=10, components=components))
    with pytest.raises(ConfigError, match="rest is empty: 108 rows fit it, but earlier components"):
        require(found)


def test_mix_when_a_component_falls_short_then_the_error_names_a_budget_that_can_be_met(lake):
    asked = {"stage": "sft", "components": HALVES}
    found = draw(lake, mix_of(budget=2_500, **asked))
    with pytest.raises(ConfigError, match=r"components.algebra falls short: 1\d rows") as refused:
        require(found)
    advised = int(str(refused.value).split("lower `budget` to ")[1].split()[0].replace(",", ""))
    require(draw(lake, mix_of(budget=advised, **asked)))


def test_mix_when_the_budget_is_less_than_a_row_then_the_error_says_so(lake):
    with pytest.raises(ConfigError, match="budget: 2 tokens are less than the first row: raise it"):
        require(one(lake, stage="pretraining", budget=2))


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"where": "colour = 'red'"}, "components.all.where"),
        ({"where": "tokens >"}, "components.all.where"),
        ({"order": "best", "by": "colour"}, "components.all.by"),
        ({"order": "halving", "within": "colour"}, "components.all.within"),
        ({"caps": [{"by": "colour", "rows": 1}]}, "components.all.caps"),
        ({"size": "colour"}, "size"),
    ],
)
def test_mix_when_duckdb_refuses_an_expression_then_the_error_names_its_place(lake, asked, place):
    with pytest.raises(ConfigError, match="DuckDB refuses") as refused:
        one(lake, stage="pretraining", budget=10, **asked)
    assert str(refused.value).startswith(f"{place}: ")
    assert len(str(refused.value).splitlines()) == 1


def test_mix_when_an_expression_fails_on_a_row_then_an_export_names_it_too(source, tmp_path):
    component = {"name": "all", "weight": 1, "order": "best", "by": "domain"}
    mix = mix_of(stage="pretraining", budget=10, components=[component])
    with pytest.raises(ConfigError, match="Conversion Error"):
        export(source, ExportSettings(folder=str(tmp_path / "out")), mix)


@pytest.mark.parametrize("tokens", [None, {"tokenizer": PICO, "pack": 512}])
@pytest.mark.parametrize("layout", ["text", "chat", "rl"])
def test_report_when_a_mix_is_named_then_it_counts_its_rows(source, tmp_path, layout, tokens):
    if layout == "rl" and tokens is not None:
        pytest.skip("prompts without an answer are not packed")
    stage, size = ("rl", 8) if layout == "rl" else ("pretraining", 900)
    parts = [{"name": "problems", "where": "kind = 'problem'", "weight": 1}]
    mix = mix_of(stage=stage, budget=size, components=parts)
    asked = {"folder": str(tmp_path / "out"), "layout": layout, "tokens": tokens}
    result = export(source, ExportSettings.model_validate(asked), mix)
    assert result.mix is not None
    assert gather(source, str(tmp_path / "out")).funnel.published == result.mix.rows


def test_book_when_a_mix_is_counted_by_two_tokenizers_then_both_are_in_it(tmp_path):
    source = mixed_lake(tmp_path / "lake")
    parts = [{"name": "all", "where": "true", "weight": 1}]
    values = {"name": "two", "stage": "pretraining", "budget": 900, "components": parts}
    publish = {"folder": str(tmp_path / "out"), "snapshot": snapshot_of(source)}
    for tokens in (None, {"tokenizer": PICO}, {"tokenizer": PICO}):
        asked = {**values, "lake": source, "publish": {**publish, "tokens": tokens}}
        publish_mix(MixConfig.model_validate(asked))
    with Lake.open(source) as lake:
        assert lake.one("SELECT count(*) FROM mixes") == 2


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"budget": 1, "components": []}, "at least 1 item"),
        ({"components": HALVES}, "give a `budget`"),
        ({"budget": 1, "components": [{"name": "a"}]}, "either `weight` or `tokens`"),
        (
            {"components": [{"name": "a", "weight": 1}, {"name": "b", "tokens": 1}]},
            "all of them a `weight`, or all of them `tokens`",
        ),
        ({"budget": 1, "components": [{"name": "a", "tokens": 1}]}, "remove `budget`"),
        ({"budget": 1, "components": [HALVES[0]] * 2}, "two components are named algebra"),
        ({"budget": 1, "components": [{**HALVES[0], "order": "best"}]}, "`best` needs `by`"),
        ({"budget": 1, "components": [{**HALVES[0], "by": "tokens"}]}, "`by` needs `order"),
        (
            {"budget": 1, "components": [{**HALVES[0], "caps": [{"by": "source"}]}]},
            "either `rows` or `tokens`",
        ),
    ],
)
def test_mix_settings_when_they_make_no_sense_then_they_are_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        mix_of(**asked)


def test_mix_when_drawn_then_nothing_is_written(source):
    files = {path: path.stat().st_mtime_ns for path in Path(source.data).rglob("*")}
    with Lake.open(source) as lake:
        one(lake, stage="pretraining", budget=500)
        assert lake.one("SELECT count(*) FROM mixes") == 0
    assert {path: path.stat().st_mtime_ns for path in Path(source.data).rglob("*")} == files

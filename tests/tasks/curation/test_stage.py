"""Screens over a lake: exactly once, again, after a crash, and with other knobs."""

from __future__ import annotations

import multiprocessing
import random
import signal
from pathlib import Path

import orjson
import pytest

from tests.screening import land_traces
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Score, Verdict
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.tasks.curation.stage import CurateSettings, booked, stream_findings
from thoughtmill.warehouse.candidates import Candidates
from thoughtmill.warehouse.commit import Committer, newest_entry
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.runs import begin_run, end_run, new_run_id
from thoughtmill.warehouse.shards import write_review
from thoughtmill.warehouse.storage import Storage

NEAR = {"kind": "near_duplicate", "keep": ["longer"]}
SHORT = {"kind": "length", "least": 6}


def prose(seed: int, words: int = 200) -> str:
    return " ".join(random.Random(seed).choices([f"w{n}" for n in range(900)], k=words))


def curate(settings: LakeSettings, *screens, where="true", name="curate", done=True) -> int:
    """Run screens as the stage does; how many exclusions landed."""
    asked = CurateSettings.model_validate({"where": where, "screens": screens})
    landed = 0
    with Lake.create(settings) as lake:
        run_id, lanes = new_run_id(name), asked.lanes()
        config = orjson.dumps(booked(lanes, asked)).decode()
        begin_run(lake, run_id, name=name, stage="curate", config=config)
        for lane in lanes:
            with Lake.open(settings) as reader:
                candidates = Candidates.choose(
                    reader,
                    lane=lane.lane,
                    screen=lane.name,
                    where=where,
                    before=lane.before,
                    best=lane.screen.best,
                )
                since = newest_entry(lake)
                committer = Committer(lake, run_id, lane.lane, candidates.fresh, since)
                for shard in stream_findings(
                    lane, candidates, lake.storage, run_id, stopping=lambda: False
                ):
                    if shard is not None:
                        landed += committer.commit(shard).rows.get("exclusions", 0)
        if done:
            end_run(lake, run_id, stage="curate", state="done", summary={})
    return landed


def rows(settings: LakeSettings, sql: str) -> list[tuple]:
    with Lake.open(settings) as lake:
        return lake.rows(sql)


def eligible(settings: LakeSettings) -> set[str]:
    return {trace for (trace,) in rows(settings, "SELECT trace_id FROM eligible")}


@pytest.fixture
def traces(settings, lake) -> list[str]:
    """A document with a copy that is thought about at more length, one with a short thought."""
    return land_traces(
        lake,
        [
            (prose(1), "It is about many things."),
            (prose(1) + " again", "It is about many things, and one of them is new."),
            (prose(2), "No idea."),
            (prose(3), "This one is about something else altogether."),
        ],
    )


def test_curate_when_a_hint_recurs_then_only_what_the_teacher_wrote_counts_as_repetition(
    settings, lake
):
    hint = "Let us compute this with Python instead of doing it by hand. " * 2
    land_traces(lake, [(prose(n), prose(100 + n)) for n in range(25)], hint=hint)
    assert curate(settings, {"kind": "repetition"}) == 0
    assert curate(settings, {"kind": "repetition", "parts": ["thought"]}) == 25


def test_curate_when_run_twice_then_the_second_run_adds_nothing(settings, traces):
    assert curate(settings, SHORT, NEAR) == 2
    found = rows(settings, "SELECT trace_id, screen, reason, detail FROM exclusions ORDER BY ALL")
    assert {(trace, reason) for trace, _, reason, _ in found} == {
        (traces[0], "too_short"),
        (traces[2], "too_short"),
    }
    assert eligible(settings) == {traces[1], traces[3]}
    seen = rows(settings, "FROM reviewed ORDER BY ALL")
    assert curate(settings, SHORT, NEAR) == 0
    assert rows(settings, "FROM reviewed ORDER BY ALL") == seen
    again = rows(settings, "SELECT trace_id, screen, reason, detail FROM exclusions ORDER BY ALL")
    assert again == found


def test_curate_when_a_screen_is_independent_then_it_looks_at_what_others_excluded(
    settings, traces
):
    assert curate(settings, SHORT, {**NEAR, "independent": True}) == 3
    overlap = rows(
        settings, "SELECT shared, share_of_screen, share_of_other FROM exclusion_overlap"
    )
    assert overlap == [(1, 0.5, 1.0)]
    counts = rows(settings, "SELECT reason, traces, alone, in_force FROM exclusion_counts")
    assert counts == [("too_short", 2, 1, True), ("near_duplicate", 1, 0, True)]


def test_curate_when_new_traces_arrive_then_they_are_held_against_the_old_ones(
    settings, lake, traces
):
    assert curate(settings, NEAR) == 1
    assert eligible(settings) == {traces[1], traces[2], traces[3]}
    worse, other = land_traces(
        lake, [(prose(1) + " once more", "Short."), (prose(4), "Something about the fourth one.")]
    )
    (better,) = land_traces(
        lake, [(prose(3) + " still", "Longer than the old one by far, it is, and then some more.")]
    )
    assert curate(settings, NEAR) == 2
    found = dict(rows(settings, "SELECT trace_id, detail FROM exclusions"))
    assert found == {traces[0]: traces[1], worse: traces[1], traces[3]: better}
    assert eligible(settings) == {traces[1], traces[2], other, better}
    assert curate(settings, NEAR) == 0


def test_curate_when_a_knob_changes_then_the_old_exclusions_are_kept_but_no_longer_count(
    settings, traces
):
    curate(settings, {"kind": "length", "least": 6})
    assert eligible(settings) == {traces[1], traces[3]}
    curate(settings, {"kind": "length", "least": 3})
    assert eligible(settings) == {traces[0], traces[1], traces[3]}
    counts = rows(settings, "SELECT screen, traces, in_force FROM exclusion_counts")
    assert counts == [('length@2{"least":3}', 1, True), ('length@2{"least":6}', 2, False)]
    assert curate(settings, {"kind": "length", "least": 6}) == 0
    assert eligible(settings) == {traces[1], traces[3]}


def test_curate_when_a_run_is_not_done_then_the_screens_of_the_one_before_still_count(
    settings, traces
):
    curate(settings, {"kind": "length", "least": 3})
    curate(settings, {"kind": "length", "least": 6}, done=False)
    assert eligible(settings) == {traces[0], traces[1], traces[3]}


def test_curate_when_two_configs_share_a_lake_then_both_count_until_one_retires(settings, traces):
    curate(settings, {"kind": "length", "least": 3}, name="short")
    curate(settings, {"kind": "length", "most": 8}, name="long")
    assert eligible(settings) == {traces[0], traces[3]}
    curate(settings, name="long")
    assert eligible(settings) == {traces[0], traces[1], traces[3]}


def test_curate_when_screens_before_a_pool_screen_change_then_it_is_another_screen(
    settings, traces
):
    lanes = [
        CurateSettings.model_validate({"screens": screens, "where": where}).lanes()[-1]
        for screens, where in (
            ([NEAR], "true"),
            ([SHORT, NEAR], "true"),
            ([NEAR], "recipe = 'x'"),
            ([{"kind": "exact_duplicate"}, SHORT], "true"),
            ([SHORT], "true"),
        )
    ]
    assert len({lane.name for lane in lanes[:3]}) == 3
    assert lanes[3].name == lanes[4].name
    # The kept one of a pair goes; with it gone, the other is no duplicate any more.
    curate(settings, NEAR)
    assert traces[0] not in eligible(settings)
    curate(settings, {"kind": "length", "most": 9}, NEAR)
    assert eligible(settings) == {traces[0], traces[2], traces[3]}


def test_curate_when_the_order_of_preference_names_verdicts_and_scores_then_the_best_is_kept(
    settings, lake, traces
):
    verdicts = [
        Verdict(trace_id=traces[0], verifier="exact@2", outcome="correct", reason="equal"),
        Verdict(trace_id=traces[1], verifier="exact@2", outcome="incorrect", reason="unequal"),
    ]
    scores = [Score(trace_id=traces[n], scorer="worth@1", value=float(n)) for n in (0, 1)]
    shard = write_review(
        lake.storage,
        run_id="run-1",
        lane="review/x",
        reviewed=traces,
        rows={"verdicts": verdicts, "scores": scores},
        slots=range(4),
    )
    Committer(lake, "run-1", "review/x", 4).commit(shard)
    kept = {}
    for order in ("correct", "longer", "shorter", "high:worth@1", "low:worth@1"):
        curate(settings, {"kind": "near_duplicate", "keep": [order]})
        (kept[order],) = eligible(settings) & set(traces[:2])
    first, second = traces[:2]
    assert kept == {
        "correct": first,
        "longer": second,
        "shorter": first,
        "high:worth@1": second,
        "low:worth@1": first,
    }


def test_curate_when_the_predicate_is_no_sql_then_the_user_is_told(settings, traces):
    with pytest.raises(ConfigError, match=r"curate\.where: DuckDB refuses 'colour = 1'"):
        curate(settings, SHORT, where="colour = 1")


def test_holdings_when_some_traces_are_excluded_then_both_counts_are_told(settings, traces):
    curate(settings, SHORT)
    ((recipe, teacher, band, held, count, tokens),) = rows(
        settings,
        "SELECT recipe, teacher, band, traces, eligible_traces, eligible_tokens FROM holdings",
    )
    assert (recipe, teacher, band) == ("thinking", "pico", None)
    assert (held, count, tokens) == (4, 2, 18)


def write_and_wait(settings: LakeSettings, done: str) -> None:
    """Child process: write a screen's shard, say so, and wait to be killed."""
    lanes = CurateSettings.model_validate({"screens": [SHORT]}).lanes()
    with Lake.open(settings) as reader:
        candidates = Candidates.choose(reader, lane=lanes[0].lane, screen=lanes[0].name)
        shards = stream_findings(
            lanes[0], candidates, Storage(settings.data), "killed", stopping=lambda: False
        )
        assert any(shard is not None for shard in shards)
        Path(done).touch()
        signal.pause()


def test_curate_when_killed_between_write_and_commit_then_a_rerun_lands_each_row_once(
    settings, traces, tmp_path, wait_until
):
    done = tmp_path / "done"
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=write_and_wait, args=(settings, str(done)), daemon=True)
    child.start()
    wait_until(done.exists)
    child.kill()
    child.join()
    assert any("exclusions/killed" in path for path in Storage(settings.data).files())
    assert rows(settings, "SELECT count(*) FROM exclusions") == [(0,)]
    assert curate(settings, SHORT) == 2
    assert rows(settings, "SELECT count(*), count(DISTINCT trace_id) FROM exclusions") == [(2, 2)]
    assert rows(settings, "SELECT count(*) FROM reviewed") == [(4,)]

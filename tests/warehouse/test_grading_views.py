from __future__ import annotations

import math

import pytest

from tests.grading import attempt, land, problem, review, verdict
from tests.lakes import drop
from thoughtmill.tasks.grading.item import FAILURES
from thoughtmill.warehouse.categories import Category, add_tiers, set_categories
from thoughtmill.warehouse.lake import Lake

LETTERS = {"c": "correct", "i": "incorrect", "u": "undecided"}


def drawn(lake: Lake, outcomes: str, number: int = 0, **fields):
    """One problem with one draw an outcome: c(orrect), i(ncorrect), u(ndecided)."""
    asked = problem(number, **fields)
    traces = [attempt(asked, draw) for draw in range(len(outcomes))]
    land(lake, [asked], traces)
    verdicts = [verdict(t, LETTERS[o]) for t, o in zip(traces, outcomes, strict=True)]
    review(lake, traces, verdicts, lane=f"review/{number}")
    return asked, traces


@pytest.mark.parametrize(
    ("told", "standing"),
    [
        ([("exact@2", "undecided"), ("symbolic@2", "correct")], ("correct", "symbolic@2", False)),
        ([("exact@2", "correct"), ("symbolic@2", "undecided")], ("correct", "exact@2", False)),
        ([("exact@2", "incorrect"), ("judge@1", "correct")], ("correct", "judge@1", True)),
        ([("exact@2", "correct"), ("exact@1", "incorrect")], ("correct", "exact@2", True)),
        ([("exact@2", "undecided"), ("judge@1", "undecided")], ("undecided", "judge@1", False)),
        ([("cascade@1", "undecided")], ("undecided", "cascade@1", False)),
        ([("exact@2", "correct"), ("blind@1", "incorrect")], ("correct", "exact@2", False)),
        (
            [('symbolic@2{"timeout_s":1.0}', "correct")],
            ("correct", 'symbolic@2{"timeout_s":1.0}', False),
        ),
    ],
)
def test_judged_when_several_verifiers_spoke_then_the_last_tier_that_decided_stands(
    lake, told, standing
):
    asked = problem(0)
    one = attempt(asked, 0)
    land(lake, [asked], [one])
    review(lake, [one], [verdict(one, outcome, by=by) for by, outcome in told])
    assert lake.rows("SELECT outcome, verifier, disputed FROM judged") == [standing]


@pytest.mark.parametrize(
    ("told", "objections", "accepted"),
    [
        ([], None, None),
        ([("exact@2", "correct")], None, True),
        ([("exact@2", "incorrect")], None, False),
        ([("exact@2", "undecided"), ("leak@1", "correct")], [], None),
        ([("exact@2", "correct"), ("no_code@1", "incorrect")], ["no_code"], False),
        ([("conclusion@2", "correct"), ("leak@1", "correct"), ("blind@2", "undecided")], [], None),
        ([("leak@1", "incorrect"), ("blind@2", "incorrect")], ["blind", "leak"], False),
        ([("blind@1", "incorrect"), ("blind@2", "correct")], [], True),
        ([("leak@2{}", "incorrect"), ("leak@1", "correct")], ["leak"], False),
        ([("leak@2{}", "incorrect"), ("leak@2", "correct")], ["leak"], False),
        ([("leak@1", "undecided")], [], None),
        (
            [("conclusion@2", "undecided"), ("blind@2", "undecided"), ("leak@1", "correct")],
            [],
            None,
        ),
        ([("no_code@1", "correct")], [], None),
    ],
)
def test_samples_when_checks_spoke_then_their_objections_say_whether_a_trace_is_accepted(
    lake, told, objections, accepted
):
    asked = problem(0)
    one = attempt(asked, 0)
    land(lake, [asked], [one])
    review(lake, [one], [verdict(one, outcome, by=by) for by, outcome in told])
    assert lake.rows("SELECT objections, accepted FROM samples") == [(objections, accepted)]


def test_judged_when_only_a_check_of_the_way_spoke_then_no_answer_was_judged(lake):
    asked = problem(0)
    one = attempt(asked, 0)
    land(lake, [asked], [one])
    review(lake, [one], [verdict(one, "incorrect", by="code_first@1")])
    assert lake.rows("FROM judged") == []
    add_tiers(lake, {"code_first": (50, False), "exact": (99, True)})
    assert lake.rows("SELECT verifier FROM judged") == [("code_first@1",)]
    assert lake.one("SELECT rank FROM tiers WHERE kind = 'exact'") == 10


def test_judged_when_a_score_is_a_grade_then_it_counts_and_votes_do_not(lake):
    asked = problem(0)
    traces = [attempt(asked, draw) for draw in range(4)]
    land(lake, [asked], traces)
    told = [
        verdict(traces[0], "incorrect", by="execution@2", score=0.5),
        verdict(traces[1], "correct", by="judge@1", score=2 / 3),
        verdict(traces[2], "correct", by="exact@2"),
        verdict(traces[3], "undecided", by="execution@2"),
    ]
    review(lake, traces, told)
    assert lake.rows("SELECT grade FROM judged JOIN traces USING (trace_id) ORDER BY draw") == [
        (0.5,),
        (1.0,),
        (1.0,),
        (None,),
    ]


@pytest.mark.parametrize(
    ("outcomes", "rate", "cv", "low", "high"),
    [
        ("ciii", 0.25, math.sqrt(3), 0.0456, 0.6994),
        ("ccii", 0.5, 1.0, 0.1500, 0.8500),
        ("ccci", 0.75, 1 / math.sqrt(3), 0.3006, 0.9544),
        ("cccc", 1.0, 0.0, 0.5101, 1.0),
        ("iiii", 0.0, None, 0.0, 0.4899),
    ],
)
def test_pass_rates_when_four_draws_are_binary_then_cv_and_wilson_are_the_known_ones(
    lake, outcomes, rate, cv, low, high
):
    drawn(lake, outcomes)
    ((n, passes, pass_rate, found_cv, found_low, found_high),) = lake.rows(
        "SELECT n, passes, pass_rate, cv, low, high FROM pass_rates"
    )
    assert (n, passes, pass_rate) == (4, outcomes.count("c"), rate)
    assert found_cv == pytest.approx(cv) if cv is not None else found_cv is None
    assert (found_low, found_high) == pytest.approx((low, high), abs=1e-4)


def test_pass_rates_when_draws_are_undecided_or_cut_off_then_only_the_cut_off_ones_have_failed(
    lake,
):
    asked, _ = drawn(lake, "cuui")
    land(lake, [], [drop(0, 9).model_copy(update={"item_id": asked.item_id, "trace_id": "d"})])
    assert lake.rows(
        "SELECT n, passes, undecided, dropped, drop_reasons, pass_rate FROM pass_rates"
    ) == [(3, 1, 2, 1, {"length": 1}, 1 / 3)]


def test_pass_rates_when_one_sample_passes_and_fifteen_are_cut_off_then_the_item_is_hard(lake):
    asked, _ = drawn(lake, "c")
    lost = [
        drop(0, n).model_copy(update={"item_id": asked.item_id, "trace_id": f"d{n}"})
        for n in range(1, 16)
    ]
    land(lake, [], lost)
    assert lake.rows("SELECT n, pass_rate, band FROM difficulty") == [(16, 1 / 16, "hard")]


@pytest.mark.parametrize("reason", FAILURES)
def test_pass_rates_when_a_draw_broke_then_it_says_nothing_about_the_teacher(lake, reason):
    asked, _ = drawn(lake, "c")
    broken = drop(0, 9, reason=reason)
    land(lake, [], [broken.model_copy(update={"item_id": asked.item_id, "trace_id": "d"})])
    assert lake.rows("SELECT n, dropped, pass_rate FROM pass_rates") == [(1, 1, 1.0)]


def test_pass_rates_when_the_answer_of_a_cut_off_trace_is_right_then_the_sample_has_failed(lake):
    asked = problem(0)
    cut = attempt(asked, 0).model_copy(update={"finish_reason": "length"})
    land(lake, [asked], [cut])
    review(lake, [cut], [verdict(cut, "correct")])
    assert lake.rows("SELECT n, passes FROM pass_rates") == [(1, 0)]


@pytest.mark.parametrize("recipe", ["thinking", "annotate"])
@pytest.mark.parametrize("outcome", ["correct", "incorrect"])
def test_samples_when_a_trace_claims_no_answer_then_verdicts_on_it_count_nowhere(
    lake, recipe, outcome
):
    asked = problem(0)
    made = attempt(asked, 0)
    made = made.model_copy(
        update={"provenance": made.provenance.model_copy(update={"recipe": recipe})}
    )
    land(lake, [asked], [made])
    review(lake, [made], [verdict(made, outcome)])
    assert lake.rows("SELECT outcome, accepted, pass_rate, band FROM samples") == [
        (None, None, None, None)
    ]
    assert lake.rows("FROM pass_rates") == []


def test_pass_rates_when_nothing_is_decided_then_there_is_no_rate_and_no_band(lake):
    drawn(lake, "uu")
    assert lake.rows("SELECT n, pass_rate, cv, low, high FROM pass_rates") == [
        (0, None, None, None, None)
    ]
    assert lake.rows("SELECT band, settled FROM difficulty") == [(None, False)]


def test_pass_rates_when_teachers_differ_then_each_has_its_own_and_second_attempts_do_not_count(
    lake,
):
    asked = problem(0)
    weak = [attempt(asked, draw, teacher="weak", name="small") for draw in range(2)]
    strong = [attempt(asked, draw, teacher="strong", name="large") for draw in range(2)]
    again = attempt(asked, 0, teacher="weak", name="small").model_copy(
        update={"trace_id": "again", "parent_trace_id": weak[0].trace_id}
    )
    land(lake, [asked], [*weak, *strong, again])
    told = [verdict(t, "incorrect") for t in weak] + [verdict(t, "correct") for t in strong]
    review(lake, [*weak, *strong, again], [*told, verdict(again, "correct")])
    assert lake.rows("SELECT teacher, n, pass_rate FROM pass_rates ORDER BY teacher") == [
        ("large", 2, 1.0),
        ("small", 2, 0.0),
    ]


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"domain": "Mathematics/geometry"}, "maths"),
        ({"domain": "arithmetic"}, "maths"),
        ({"domain": "physics"}, "science"),
        ({"domain": "maths", "meta": {"tests": "[]"}}, "code"),
        ({"domain": None, "meta": {"constraints": "[]"}}, "instructions"),
        ({"domain": "gossip"}, "closed"),
        ({"domain": "gossip", "reference": None}, "other"),
        ({"domain": "physics", "meta": {"category": "maths"}}, "maths"),
        ({"domain": "physics", "meta": {"category": "no such"}}, "science"),
    ],
)
def test_categories_when_an_item_says_what_it_is_then_that_is_its_category(lake, fields, category):
    land(lake, [problem(0, **fields)], [attempt(problem(0, **fields), 0)])
    assert lake.rows("SELECT category FROM item_categories") == [(category,)]


def test_categories_when_a_run_sets_them_then_bands_follow_and_a_repeat_writes_nothing(lake):
    drawn(lake, "cccciiii", 0)
    assert lake.rows("SELECT band FROM difficulty") == [("medium",)]
    wanted = {
        "maths": Category(hard_below=0.6),
        "gossip": Category(domains=("gossip*",), open_ended=True),
    }
    set_categories(lake, wanted)
    before = lake.snapshot()
    set_categories(lake, wanted)
    assert lake.snapshot() == before
    assert lake.rows("SELECT band FROM difficulty") == [("hard",)]
    assert lake.rows(
        "SELECT category, pass_score, hard_below, open_ended FROM categories "
        "WHERE category IN ('maths', 'gossip') ORDER BY category"
    ) == [("gossip", 0.99, 0.3, True), ("maths", 0.99, 0.6, False)]


@pytest.mark.parametrize(
    ("outcomes", "band", "settled"),
    [
        ("i" * 4, "hard", False),
        ("i" * 16, "hard", True),
        ("c" * 4, "easy", False),
        ("c" * 16, "easy", True),
        ("c" * 30 + "i" * 30, "medium", True),
        ("cccci", "easy", False),
        ("ccci", "easy", False),
        ("ccii", "medium", False),
        ("ciii", "hard", False),
    ],
)
def test_difficulty_when_the_pass_rate_is_known_then_the_band_and_its_certainty_follow(
    lake, outcomes, band, settled
):
    drawn(lake, outcomes)
    assert lake.rows("SELECT band, settled FROM difficulty") == [(band, settled)]


@pytest.mark.parametrize(
    ("outcomes", "fields", "kept"),
    [
        ("iiii", {}, {"below_threshold": 4}),
        ("ciiu", {}, {"varied": 1, "failed": 2}),
        ("cccc", {}, {"uniform": 4}),
    ],
)
def test_selection_when_an_item_is_closed_then_it_stays_only_where_draws_differ(
    lake, outcomes, fields, kept
):
    drawn(lake, outcomes, **fields)
    found = lake.rows(
        "SELECT reason, count(*), bool_and(keep) FROM deepdistill_selection GROUP BY 1"
    )
    assert {reason: count for reason, count, _ in found} == kept
    assert {reason for reason, _, keep in found if keep} == kept.keys() & {"varied"}


def test_selection_when_an_item_is_open_ended_then_a_stable_half_of_alike_responses_stays(lake):
    drawn(lake, "c" * 200, domain="gossip", reference=None)
    half = {t for (t,) in lake.rows("SELECT trace_id FROM deepdistill_selection WHERE keep")}
    assert 70 < len(half) < 130
    drawn(lake, "c" * 10, 1, domain="gossip", reference=None)
    again = {t for (t,) in lake.rows("SELECT trace_id FROM deepdistill_selection WHERE keep")}
    assert half < again


def test_graded_when_a_category_has_a_scale_then_scores_and_passes_are_on_it(lake):
    asked = problem(0, domain="physics")
    traces = [attempt(asked, draw) for draw in range(2)]
    land(lake, [asked], traces)
    add_tiers(lake, {"rubric": (60, True)})
    told = [
        verdict(t, "correct", by="rubric@1", score=s)
        for t, s in zip(traces, (0.8, 1.0), strict=True)
    ]
    review(lake, traces, told)
    assert lake.rows("SELECT score, passed FROM graded ORDER BY draw") == [
        (4.0, False),
        (5.0, True),
    ]

"""Screens that judge a trace by itself: what each must exclude, and what it must not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.screening import batch, details, reasons
from thoughtmill.tasks.screens import Format, Language, Length

FORMAT = [
    ({}, None),
    ({"thought": ""}, "empty_thought"),
    ({"thought": " \n\t"}, "empty_thought"),
    ({"thought": None}, "empty_thought"),
    ({"answer": "  "}, "empty_answer"),
    ({"answer": "4"}, None),
    ({"finish_reason": "length"}, "unfinished"),
    ({"thought": "Well. <think> Hm."}, "unbalanced_tags"),
    ({"thought": "Well. </think> Hm. <think> So."}, "unbalanced_tags"),
    ({"thought": "A <think>b</think> c"}, None),
    ({"thought": "If a < b and c > d"}, None),
    ({"thought": "Run:\n```python\nprint(1)\n"}, "unbalanced_fences"),
    ({"thought": "Run:\n```python\nprint(1)\n```\nDone."}, None),
    ({"thought": "three ticks ``` in a line"}, None),
    ({"kinds": "prompt think code output think answer"}, None),
    ({"kinds": "prompt think code output code output think"}, None),
    ({"kinds": "prompt think code think"}, "odd_turns"),
    ({"kinds": "prompt think output think"}, "odd_turns"),
    ({"kinds": "prompt think hint"}, "odd_turns"),
    ({"kinds": "prompt think hint code output think"}, None),
]


@pytest.mark.parametrize(("row", "reason"), FORMAT)
def test_format_when_a_trace_is_whole_or_not_then_it_passes_or_the_reason_is_told(row, reason):
    assert reasons(Format().judge(batch([row]))) == ({"t0": reason} if reason else {})


@pytest.mark.parametrize(
    ("knobs", "thought", "reason"),
    [
        ({"max_url_share": 0.3}, "See https://example.org/a/b and www.example.com/c", "urls"),
        ({"max_url_share": 0.3}, f"See https://example.org. {'Then think. ' * 20}", None),
        ({}, "https://example.org/a/b https://example.org/c", None),
        ({"max_table_share": 0.5}, "| a | b |\n|---|---|\n| 1 | 2 |", "tables"),
        ({"max_table_share": 0.5}, "We know |x| < 1.\nSo it is small.\nAnd |y| too.", None),
        ({"max_non_ascii_share": 0.2}, "日本語の文章です。abc", "non_ascii"),
        ({"max_non_ascii_share": 0.2}, "The café is naïve about it.", None),
    ],
)
def test_format_when_a_share_is_limited_then_only_what_is_ridden_with_it_is_excluded(
    knobs, thought, reason
):
    found = Format(**knobs).judge(batch([{"thought": thought}]))
    assert reasons(found) == ({"t0": reason} if reason else {})


def test_format_when_an_answer_is_required_then_its_lack_is_an_objection():
    rows = batch([{}, {"answer": "4"}])
    found = Format(require=("thought", "answer")).judge(rows)
    assert reasons(found) == {"t0": "empty_answer"}


@pytest.mark.parametrize(
    ("knobs", "row", "reason"),
    [
        ({"least": 5}, {"thought_tokens": 4}, "too_short"),
        ({"least": 5}, {"thought_tokens": 5}, None),
        ({"most": 9}, {"thought_tokens": 9}, None),
        ({"most": 9}, {"thought_tokens": 10}, "too_long"),
        ({"least": 5}, {"thought_tokens": 0, "completion_tokens": 6}, None),
        ({"most": 5}, {"thought_tokens": None, "completion_tokens": 6}, "too_long"),
        ({"least": 5}, {"thought": "", "thought_tokens": 0, "completion_tokens": 50}, "too_short"),
        ({"part": "item", "unit": "characters", "most": 3}, {"text": "äöü"}, None),
        ({"part": "item", "unit": "characters", "most": 3}, {"text": "äöüß"}, "too_long"),
        ({"part": "answer", "unit": "characters"}, {"answer": None}, "too_short"),
    ],
)
def test_length_when_a_part_is_out_of_bounds_then_it_is_excluded(knobs, row, reason):
    assert reasons(Length(**knobs).judge(batch([row]))) == ({"t0": reason} if reason else {})


def test_length_when_bounds_make_no_sense_then_the_config_is_refused():
    with pytest.raises(ValidationError, match="below least"):
        Length(least=5, most=4)
    with pytest.raises(ValidationError, match="set unit to characters"):
        Length(part="item")


ENGLISH = "The water runs down the hill because it is heavy, and it ends up in the sea."
GERMAN = "Das Wasser läuft den Berg hinunter, weil es schwer ist, und endet schließlich im Meer."
CHINESE = "水往低处流，因为它有重量，最后流进大海。这就是我们需要理解的全部内容，没有别的。"
RUSSIAN = "Вода стекает с холма, потому что она тяжёлая, и в конце концов попадает в море."


@pytest.mark.parametrize(
    ("knobs", "row", "reason"),
    [
        ({}, {"thought": ENGLISH}, None),
        ({}, {"thought": GERMAN}, "other_language"),
        ({}, {"thought": CHINESE}, "other_language"),
        ({"languages": ("en", "de")}, {"thought": GERMAN}, None),
        ({}, {"thought": "$x^2 + y^2 = 1$, $2x = 4$"}, None),
        ({}, {"thought": ""}, None),
        ({"languages": (), "same_as_item": True}, {"text": GERMAN, "thought": GERMAN}, None),
        (
            {"languages": (), "same_as_item": True},
            {"text": GERMAN, "thought": ENGLISH},
            "unlike_item",
        ),
        ({"languages": (), "scripts": ("Latin", "Greek")}, {"thought": f"{ENGLISH} λ"}, None),
        ({"languages": (), "scripts": ("Latin",)}, {"thought": RUSSIAN}, "other_script"),
        ({"languages": (), "scripts": ("Latin",)}, {"thought": f"{ENGLISH * 3} {'сто'}"}, None),
        ({"part": "item"}, {"text": RUSSIAN, "thought": ENGLISH}, "other_language"),
    ],
)
def test_language_when_a_text_is_surely_in_another_then_it_is_excluded(knobs, row, reason):
    assert reasons(Language(**knobs).judge(batch([row]))) == ({"t0": reason} if reason else {})


def test_language_when_a_script_is_misspelt_then_the_config_is_refused():
    with pytest.raises(ValidationError, match="no Unicode script"):
        Language(scripts=("Latn!",))


def test_row_screens_when_a_chunk_is_mixed_then_each_row_is_judged_by_itself():
    rows = batch([{"thought": GERMAN}, {"thought": ENGLISH}, {"thought": ""}])
    found = Language().judge(rows)
    assert reasons(found) == {"t0": "other_language"}
    assert details(found)["t0"].startswith("de ")
    assert reasons(Format().judge(rows)) == {"t2": "empty_thought"}

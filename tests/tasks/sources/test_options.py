"""Options and golds of multiple choice, in the shapes in which they are published."""

import json

import pytest

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.jsonl import JsonlSource
from thoughtmill.tasks.verifiers.multiple_choice import option_of

METALS = ["oak", "zinc", "wool", "milk"]
COUNTS = ["2", "4", "1", "3"]


def source(tmp_path, rows, **fields):
    path = tmp_path / "quiz.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    mapped = Fields(**{"text": "q", "choices": "o", "reference": "a", **fields})
    return JsonlSource(path=str(path), item_kind="problem", fields=mapped)


@pytest.mark.parametrize(
    ("options", "gold", "how", "right"),
    [
        (METALS, 1, "index", 1),
        (METALS, 2, "index_from_1", 1),
        (METALS, "2.0", "index", 2),
        (COUNTS, 3, "index", 3),
        (COUNTS, 3, "index_from_1", 2),
        (COUNTS, 3, "text", 3),
        (METALS, "b", "letter", 1),
        (METALS, "(B)", "letter", 1),
        (METALS, "zinc", None, 1),
        (METALS, "D", None, 3),
        (["B", "A", "O", "AB"], 0, "index", 0),
        (["B", "A", "O", "AB"], "A", "text", 1),
        (["B", "A", "O", "AB"], "A", "letter", 0),
        ({"text": COUNTS, "label": list("1234")}, "3", "label", 2),
        ({"text": METALS, "label": list("1234")}, "4", None, 3),
        ([{"text": "ice", "label": "A"}, {"text": "fog", "label": "B"}], "B", None, 1),
        ({"A": "ice", "B": "fog"}, "B", None, 1),
        ([{"A": "ice"}, {"B": "fog"}], "A", None, 0),
        (["A)12", "B)15", "C)18"], "C", None, 2),
        ("A) twelve B) fifteen, or so C) eighteen", "B", None, 1),
        ("(A) x\n(B) y", "A", "letter", 0),
        ('["ice", "fog"]', "fog", None, 1),
        ('{"A": "ice", "B": "fog"}', "B", None, 1),
    ],
)
def test_gold_when_it_names_an_option_then_the_verifier_reads_the_same_one(
    tmp_path, read, options, gold, how, right
):
    got = read(source(tmp_path, [{"q": "which?", "o": options, "a": gold}], gold=how))
    assert not got.drops
    item = got.items[0]
    assert option_of(item.reference, item.choices) == right
    assert len(item.choices) >= 2


@pytest.mark.parametrize(
    ("options", "gold"), [(COUNTS, 3), (COUNTS, "0"), (METALS, 2), (METALS, "4")]
)
def test_gold_when_it_is_a_bare_digit_then_the_source_is_refused(tmp_path, options, gold):
    with pytest.raises(ConfigError, match=r"fields\.gold.*index_from_1"):
        source(tmp_path, [{"q": "which?", "o": options, "a": gold}]).parts()


@pytest.mark.parametrize(
    ("options", "gold", "how", "reason"),
    [
        (METALS, 4, "index", "gold_no_option"),
        (METALS, 0, "index_from_1", "gold_no_option"),
        (METALS, "tin", "text", "gold_no_option"),
        (METALS, "E", "letter", "gold_no_option"),
        (["ice", "ice", "fog"], "ice", "text", "gold_unclear"),
        ("ice or fog", "ice", None, "options_unclear"),
        (["ice"], "ice", None, "options_unclear"),
        ({"text": ["a", "b"], "label": ["A"]}, "A", "label", "options_unclear"),
        ([{"text": "a"}, {"body": "b", "label": "B"}], "A", None, "options_unclear"),
    ],
)
def test_gold_when_it_names_no_single_option_then_the_row_is_left_out(
    tmp_path, read, options, gold, how, reason
):
    good = {"q": "fine?", "o": {"A": "yes", "B": "no"}, "a": {"index": 0, "index_from_1": 1}}
    good["a"] = {"index": 0, "index_from_1": 1, "letter": "A", "label": "A"}.get(how, "yes")
    got = read(source(tmp_path, [good, {"q": "which?", "o": options, "a": gold}], gold=how))
    assert got.texts == ["fine?"]
    assert got.reasons == [(reason, 2)]


def test_gold_when_a_label_is_also_another_option_then_it_is_refused_unless_told(tmp_path, read):
    rows = [{"q": "which?", "o": {"text": COUNTS, "label": list("1234")}, "a": "3"}]
    with pytest.raises(ConfigError, match=r"fields\.gold"):
        source(tmp_path, rows).parts()
    assert read(source(tmp_path, rows, gold="label")).items[0].reference == "C"


def test_options_when_in_several_columns_then_their_order_is_the_problems_own(tmp_path, read):
    rows = [
        {"q": f"question {n}?", "right": f"r{n}\n", "w1": "x", "w2": "y", "w3": "z"}
        for n in range(40)
    ]
    fields = {"choices": ("right", "w1", "w2", "w3"), "reference": "right", "gold": "text"}
    kept = read(source(tmp_path, rows, **fields)).items
    assert {item.reference for item in kept} == {"A"}
    shuffled = read(source(tmp_path, rows, **fields, shuffle=True)).items
    assert shuffled == read(source(tmp_path, rows, **fields, shuffle=True)).items
    assert {item.reference for item in shuffled} == set("ABCD")
    assert all(i.choices[option_of(i.reference, i.choices)].startswith("r") for i in shuffled)


def test_labels_when_they_stand_in_a_column_then_the_gold_names_one(tmp_path, read):
    rows = [{"q": "which?", "o": METALS, "l": ["p", "q", "r", "s"], "a": "q"}]
    assert read(source(tmp_path, rows, labels="l", gold="label")).items[0].reference == "B"

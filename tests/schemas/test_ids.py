from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thoughtmill.schemas.ids import content_hash, seed_of, trace_id

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def test_content_hash_when_release_changes_then_ids_in_old_lakes_still_hold():
    assert content_hash("trace", "item", "recipe", "teacher", 0) == trace_id(
        "item", "recipe", "teacher", 0
    )
    assert content_hash("a", 1, None, {"k": [1.5, True]}) == "fabc7b0e600016876b57a255938b6b0e"
    assert trace_id("item", "recipe", "teacher", 0) == "bc60c9dad1328d2b277ec0241377ca8f"
    assert seed_of("bc60c9dad1328d2b277ec0241377ca8f") == 806300380


@given(st.dictionaries(st.text(max_size=5), JSON, min_size=2))
def test_content_hash_when_keys_come_in_another_order_then_it_is_the_same(value):
    backwards = dict(reversed(value.items()))
    assert list(backwards) != list(value)
    assert content_hash(backwards) == content_hash(value)


@given(st.lists(JSON, max_size=3), st.lists(JSON, max_size=3))
def test_content_hash_when_values_differ_then_ids_differ(ours, theirs):
    same = json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)
    assert (content_hash(*ours) == content_hash(*theirs)) == same


def test_content_hash_when_parts_are_joined_otherwise_then_ids_differ():
    assert content_hash("ab", "c") != content_hash("a", "bc")
    assert content_hash("a", "b") != content_hash(["a", "b"])
    assert content_hash(1) != content_hash("1") != content_hash(True)


def test_content_hash_when_text_is_no_unicode_then_it_raises():
    with pytest.raises(TypeError):
        content_hash("\ud800")


def test_trace_id_when_any_part_differs_then_it_is_another_trace():
    ids = {
        trace_id(item, recipe, teacher, draw)
        for item in ("a", "b")
        for recipe in ("a", "b")
        for teacher in ("a", "b")
        for draw in range(50)
    }
    assert len(ids) == 400


@given(st.text(max_size=32), st.integers(0, 100))
def test_seed_of_when_called_then_it_fits_the_samplers(trace, call):
    assert 0 <= seed_of(trace, call) < 2**31
    assert seed_of(trace, call) == seed_of(trace, call)


def test_seed_of_when_call_or_trace_differs_then_seeds_differ():
    seeds = {seed_of(f"trace-{n}", call) for n in range(100) for call in range(5)}
    assert len(seeds) == 500

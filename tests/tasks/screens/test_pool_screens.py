"""Screens that judge traces against each other."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from tests.screening import Pool, details, reasons
from thoughtmill.tasks.screens import ExactDuplicate, NearDuplicate, Repetition, SemanticDuplicate
from thoughtmill.tasks.screens.minhash import MinHash, Texts
from thoughtmill.tasks.screens.words import find_grams, find_words

WORDS = [f"w{n}" for n in range(3000)]


def prose(seed: int, words: int = 120) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def jaccard(left: list[str], right: list[str], n: int = 5) -> float:
    a, b = ({tuple(t[i : i + n]) for i in range(len(t) - n + 1)} for t in (left, right))
    return len(a & b) / len(a | b)


def changed(words: list[str], seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    copy = list(words)
    for at in rng.sample(range(len(words)), count):
        copy[at] = f"new{rng.randrange(10**6)}"
    return copy


def test_words_when_scripts_and_cases_mix_then_each_word_is_found_with_its_text():
    found = find_words(pa.array(["Hello, WORLD's 2nd", None, "", "東京 is naïve", "नमस्ते!"]))
    assert found.offsets.tolist() == [0, 4, 4, 4, 8, 9]
    texts = [found.text(n, n) for n in range(9)]
    assert texts == ["Hello", "WORLD", "s", "2nd", "東", "京", "is", "naïve", "नमस्ते"]
    lower = find_words(pa.array(["hello world s 2ND", "NAÏVE"]))
    assert lower.hashes.tolist() == [*found.hashes[:4], found.hashes[7]]


def test_words_when_the_array_is_a_slice_then_only_its_texts_are_read():
    texts = pa.array(["one two", "three", "four five six"])
    found = find_words(texts.slice(1))
    assert found.offsets.tolist() == [0, 1, 4]
    assert found.text(1, 3) == "four five six"


def test_grams_when_a_text_repeats_a_string_then_the_hashes_repeat_and_others_do_not():
    grams = find_grams(find_words(pa.array(["a b c d a b c", "x a b c", "a b"])), 3)
    assert grams.offsets.tolist() == [0, 5, 7, 8]
    assert grams.hashes[0] == grams.hashes[4] == grams.hashes[6]
    assert len(set(grams.hashes.tolist())) == 6


@pytest.mark.parametrize(
    ("knobs", "other", "same"),
    [
        ({}, "WATER  runs\ndown the hill. ", True),
        ({}, "Water runs down the hill!", False),
        ({}, "Ｗater runs down the hill.", True),
        ({"normalise": False}, "water runs down the hill.", False),
    ],
)
def test_exact_duplicate_when_texts_differ_in_case_and_space_alone_then_one_is_kept(
    knobs, other, same
):
    pool = Pool([{"text": "Water runs down the hill."}, {"text": other}])
    found = ExactDuplicate(**knobs).judge_all(pool)
    assert reasons(found) == ({"t1": "exact_duplicate"} if same else {})
    assert details(found) == ({"t1": "t0"} if same else {})


def test_exact_duplicate_when_items_compare_then_all_draws_of_the_best_item_stay():
    rows = [
        {"text": "B", "leader": 0},
        {"text": "b ", "leader": 1},
        {"text": "B", "leader": 0},
        {"text": "b ", "leader": 1},
        {"text": "C", "leader": 4},
    ]
    found = ExactDuplicate(within="items").judge_all(Pool(rows))
    assert details(found) == {"t1": "t0", "t3": "t0"}


def test_near_duplicate_when_texts_are_alike_then_the_best_placed_of_each_group_is_kept():
    base, other = prose(1), prose(2)
    close, chained, far = changed(base, 3, 2), changed(changed(base, 3, 2), 4, 2), prose(5)
    assert jaccard(base, close) > 0.8
    assert jaccard(close, chained) > 0.8
    rows = [{"text": " ".join(t)} for t in (other, far, close, base, chained, other)]
    found = NearDuplicate().judge_all(Pool(rows))
    assert details(found) == {"t3": "t2", "t4": "t2", "t5": "t0"}
    assert set(reasons(found).values()) == {"near_duplicate"}


def test_near_duplicate_when_a_better_trace_comes_later_then_it_takes_the_place_of_the_kept_one():
    base = prose(1)
    rows = [{"text": " ".join(changed(base, n, 1))} for n in range(4)]
    # t2 was kept before and t3 excluded; t0 and t1 are new, and better.
    found = NearDuplicate().judge_all(Pool(rows, held=[3], seen=[2, 3]))
    assert details(found) == {"t1": "t0", "t2": "t0"}
    again = NearDuplicate().judge_all(Pool(rows, held=[1, 2, 3], seen=[0, 1, 2, 3]))
    assert details(again) == {}
    # The best was excluded before: it does not come back.
    assert details(NearDuplicate().judge_all(Pool(rows, held=[0]))) == {"t2": "t1", "t3": "t1"}


def test_near_duplicate_when_a_draw_of_an_excluded_item_arrives_then_it_is_excluded_too():
    base = prose(1)
    texts = [" ".join(changed(base, 9, 1)), " ".join(base)]
    rows = [
        {"text": texts[0], "leader": 0},
        {"text": texts[1], "leader": 1},
        {"text": texts[0], "leader": 0},
    ]
    # t2 is an old draw of the item that lost; its new draw t0 would be the best of all.
    found = NearDuplicate(within="items").judge_all(Pool(rows, held=[2], seen=[1, 2]))
    assert details(found) == {"t0": "t1"}


@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_minhash_when_duplicates_are_planted_then_all_are_found_and_nothing_else(threshold):
    rng = random.Random(7)
    texts, expected = [], []
    for group in range(400):
        base = prose(1000 + group, words=rng.randint(60, 200))
        copy = changed(base, group, rng.randint(1, 4)) if group % 2 else prose(5000 + group)
        texts += [" ".join(base), " ".join(copy)]
        expected.append(jaccard(base, copy) >= threshold)
    places = np.arange(len(texts))
    chunks = [
        Texts(places[at : at + 100], pa.array(texts[at : at + 100]))
        for at in range(0, len(texts), 100)
    ]
    roots = MinHash.of(threshold).components(len(texts), lambda: chunks)
    joined = roots[1::2] == places[::2]
    assert sum(expected) > 100
    assert (roots[::2] == places[::2]).all()
    assert not (joined & ~np.array(expected)).any()
    assert (joined & np.array(expected)).sum() >= 0.995 * sum(expected)


def test_minhash_when_texts_are_short_empty_or_missing_then_only_equal_words_are_duplicates():
    texts = ["two words", "Two, words!", "", "", "two words more", "words two"]
    chunk = Texts(np.array([0, 1, 2, 4, 5, 6]), pa.array(texts))
    roots = MinHash().components(8, lambda: [chunk])
    assert roots.tolist() == [0, 0, 2, 3, 4, 5, 6, 7]


def test_minhash_when_thousands_are_equal_then_they_are_one_component():
    text = " ".join(prose(1))
    chunk = Texts(np.arange(5000), pa.array([text] * 5000))
    assert not MinHash().components(5000, lambda: [chunk]).any()


def test_repetition_when_a_trace_says_the_same_over_and_over_then_it_is_excluded():
    loop = "and then it goes round the hill once more " * 12
    rows = [{"thought": loop}, {"thought": " ".join(prose(1))}, {"thought": "short"}]
    assert reasons(Repetition().judge_all(Pool(rows))) == {"t0": "repeats_itself"}
    assert reasons(Repetition(most_within=None).judge_all(Pool(rows))) == {}
    assert reasons(Repetition().judge_all(Pool(rows, seen=[0]))) == {}


def test_repetition_when_a_string_recurs_over_the_corpus_then_all_its_traces_are_excluded():
    phrase = " ".join(f"stock{n}" for n in range(20))
    rows = [
        {"thought": f"{' '.join(prose(n, 30))} {phrase} {' '.join(prose(100 + n, 30))}"}
        for n in range(21)
    ] + [{"thought": " ".join(prose(500))}, {"thought": phrase.rsplit(" ", 1)[0]}]
    found = Repetition().judge_all(Pool(rows))
    assert reasons(found) == {f"t{n}": "recurring_ngram" for n in range(21)}
    assert details(found)["t3"] == f"21 times: {phrase}"
    assert reasons(Repetition().judge_all(Pool(rows[1:]))) == {}
    held = Repetition().judge_all(Pool(rows, held=range(20), seen=range(20)))
    assert reasons(held) == {"t20": "recurring_ngram"}


@pytest.mark.engine
def test_semantic_duplicate_when_questions_mean_the_same_then_one_is_kept():
    rows = [
        {"text": "How many apples does Tom have if he buys three apples and then two more?"},
        {"text": "Water runs down the hill because it is heavy."},
        {"text": "Tom buys three apples and then two more; how many apples does Tom have?"},
    ]
    rows = [{**row, "leader": place} for place, row in enumerate(rows)]
    assert details(SemanticDuplicate().judge_all(Pool(rows))) == {"t2": "t0"}
    assert details(SemanticDuplicate(threshold=0.999).judge_all(Pool(rows))) == {}
    draws = [{**rows[0], "leader": 0} for _ in range(6)]  # the second chunk has no item of its own
    assert details(SemanticDuplicate().judge_all(Pool(draws))) == {}


def test_near_duplicate_when_texts_hold_no_word_then_they_are_not_alike():
    texts = Texts(np.arange(4), pa.array(["!!!", "???", "same words here", "same words here"]))
    found = MinHash(ngram=3).components(4, lambda: [texts])
    assert found.tolist() == [0, 1, 2, 2]

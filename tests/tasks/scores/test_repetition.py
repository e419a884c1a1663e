from __future__ import annotations

import pytest

from tests.lakes import trace
from thoughtmill.tasks.scores import Repetition


def thinking(*texts: str):
    ask, think = trace(0).segments
    thoughts = [think.model_copy(update={"text": text}) for text in texts]
    loud = ask.model_copy(update={"text": "again " * 100})
    return trace(0, segments=(loud, *thoughts))


@pytest.mark.parametrize(
    ("text", "n", "value"),
    [
        ("", 6, 0.0),
        ("too few words to count", 6, 0.0),
        ("one two three four five six", 6, 0.0),
        ("a b c a b d", 2, 0.2),
        ("a b a b a b", 2, 0.6),
        ("A b, a B! a\nb?", 2, 0.6),
        ("again " * 105, 6, 0.99),
        ("1 2 3 4 1 2 3 4", 4, 0.2),
        ("水流水流水流", 2, 0.6),
        ("ながれながれ", 3, 0.25),
        ("... --- ...", 1, 0.0),
    ],
)
def test_repetition_when_words_come_again_then_it_is_the_share_of_repeated_ngrams(text, n, value):
    assert Repetition(n=n).value(thinking(text)) == pytest.approx(value)


def test_repetition_when_a_thought_is_in_several_segments_then_they_are_read_as_one():
    assert Repetition(n=2).value(thinking("a b a", " b a b")) == pytest.approx(0.6)


def test_repetition_when_called_then_the_score_names_scorer_version_and_other_knobs():
    made = thinking("a b c")
    score = Repetition()(made)
    assert (score.trace_id, score.scorer, score.value) == (made.trace_id, "repetition@1", 0.0)
    assert Repetition(n=3)(made).scorer == 'repetition@1{"n":3}'

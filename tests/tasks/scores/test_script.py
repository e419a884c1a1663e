from __future__ import annotations

import pytest

from tests.lakes import item, trace
from thoughtmill.schemas.rows import Segment
from thoughtmill.tasks.scores.script import Script

ENGLISH = "A jar holds thirty coins and a lid."
CHINESE = "一个罐子里有三十枚硬币"


def value(asked: str, *written: str, kind: str = "think") -> float | None:
    segments = tuple(Segment(kind=kind, text=text, trainable=True) for text in written)
    return Script().value(trace(0, segments=segments), item(0, text=asked))


@pytest.mark.parametrize(
    ("asked", "written", "share"),
    [
        (ENGLISH, "It holds thirty.", 0.0),
        (ENGLISH, "三十枚", 1.0),
        (ENGLISH, "abc 三十枚", 0.5),
        (CHINESE, "三十枚硬币", 0.0),
        (CHINESE, "thirty", 1.0),
        (CHINESE, r"三十枚 $x + y$ \alpha", 0.0),
        ("かばんに りんごが 三つ", "三枚", 0.0),
        ("Сколько монет?", "тридцать", 0.0),
        (ENGLISH, "Æsop naïve œuvre", 0.0),
        (ENGLISH, "12 + 30 = 42", None),
        ("12 + 30", "forty-two", None),
    ],
)
def test_script_when_letters_stand_outside_the_items_script_then_their_share_is_the_score(
    asked, written, share
):
    assert value(asked, written) == share


def test_script_when_a_segment_is_no_prose_then_it_does_not_count():
    assert value(CHINESE, "print(1)", kind="code") is None
    assert value(CHINESE, "think about it", kind="prompt") is None

from __future__ import annotations

import pytest

from tests.lakes import item, trace
from thoughtmill.schemas.rows import Segment
from thoughtmill.tasks.scores.language import Language

ENGLISH = "A jar holds thirty coins, and somebody takes twelve of them away. How many are left? "
FRENCH = "Il y avait trente pièces dans le bocal, et quelqu'un en a pris douze. Il en reste donc. "
GERMAN = "In dem Glas liegen dreißig Münzen, und jemand nimmt zwölf davon weg. Wie viele bleiben? "


def value(asked: str, written: str) -> float | None:
    think = Segment(kind="think", text=written, trainable=True)
    return Language(window=len(FRENCH)).value(trace(0, segments=(think,)), item(0, text=asked))


@pytest.mark.parametrize(
    ("asked", "written", "share"),
    [
        (ENGLISH, ENGLISH * 3, 0.0),
        (ENGLISH, FRENCH * 4, 1.0),
        (FRENCH, FRENCH * 4, 0.0),
        (GERMAN, FRENCH * 2, 1.0),
        (ENGLISH, "30 - 12 = 18. " * 20, None),
        ("30 - 12 = ?", ENGLISH, None),
        (ENGLISH, r"\[ x = 30 - 12 \]", None),
    ],
)
def test_language_when_a_thought_is_in_another_than_the_items_then_its_share_is_the_score(
    asked, written, share
):
    assert value(asked, written) == share


def test_language_when_a_thought_changes_it_halfway_then_the_share_lies_between():
    assert 0.3 < value(ENGLISH, ENGLISH * 6 + FRENCH * 6) < 0.7

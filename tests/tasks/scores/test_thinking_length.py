from __future__ import annotations

from tests.lakes import trace
from thoughtmill.schemas.rows import Segment
from thoughtmill.tasks.scores.thinking_length import ThinkingLength


def length(*segments: Segment) -> float:
    return ThinkingLength()(trace(4, segments=segments)).value


def think(*ids: int, text: str = "so") -> Segment:
    return Segment(kind="think", text=text, token_ids=ids, trainable=True)


def test_length_when_a_thought_is_interrupted_by_code_then_its_parts_add_up():
    code = Segment(kind="code", text="1", token_ids=(9,) * 50, trainable=True)
    assert length(think(1, 2), code, think(3)) == 3.0


def test_length_when_there_is_no_thought_then_zero():
    assert length(Segment(kind="answer", text="7", token_ids=(1,), trainable=True)) == 0.0
    assert length(think(text="")) == 0.0


def test_length_when_the_endpoint_tells_no_ids_then_all_that_was_written_counts():
    assert length(think()) == 24.0

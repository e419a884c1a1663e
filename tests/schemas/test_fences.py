from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thoughtmill.schemas.fences import blocks, code_at, opens, output_of
from thoughtmill.schemas.rows import Segment


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\n```python\nx\n```\nb", [("python", "x", True)]),
        ("```py\nx\ny\n```", [("py", "x\ny", True)]),
        ("```python\n```\n", [("python", "", True)]),
        ("```python\n\n```\n", [("python", "", True)]),
        ("```python\nx\n", [("python", "x\n", False)]),
        ("```\nx\n```\n```python\ny\n```\n", [("", "x", True), ("python", "y", True)]),
        ("```js\nx\n```python\ny\n```\n", [("python", "y", True)]),
        ("```python\n```python\nx\n```\n", [("python", "x", True)]),
        ("```python\nx\n```python\n```\n", [("python", "x\n```python", True)]),
        ("see `x` and ```python\nx\n", []),
        (" ```python\nx\n", []),
        ("````python\nx\n````\n", []),
        ("```python x\ny\n", []),
        ("```PYTHON\t\r\nx\n``` \n", [("python", "x", True)]),
        ("", []),
    ],
)
def test_blocks_when_text_holds_fences_then_each_block_is_what_stands_between_them(text, found):
    assert [(b.language, b.code, b.closed) for b in blocks(text)] == found


def test_blocks_when_one_was_opened_before_then_the_text_begins_inside_it():
    inside, after = blocks("x\n```\nand\n```python\ny\n```\n", opened=True)
    assert (inside.code, inside.start, inside.end, inside.closed) == ("x", 0, 6, True)
    assert (after.code, after.start) == ("y", 10)


def test_blocks_when_the_text_goes_on_then_a_line_without_an_end_is_not_read_yet():
    (block,) = blocks("```python\nx\n```", ended=False)
    assert not block.closed
    assert not list(blocks("```pyth", ended=False))


@given(st.text(alphabet="`python\n x", max_size=60), st.booleans(), st.booleans())
def test_blocks_when_text_is_any_then_they_lie_in_order_inside_it(text, opened, ended):
    at = 0
    for block in blocks(text, opened=opened, ended=ended):
        assert at <= block.start <= block.end <= len(text)
        assert block.code in text[block.start : block.end]
        at = block.end


@pytest.mark.parametrize(
    ("hint", "text", "code"),
    [
        ("", "```python\nx = 1\n```\n", "x = 1"),
        ("", ".\n```python\nx = 1\n```\n", "x = 1"),
        ("", "```python\nx = 1\n", "x = 1\n"),
        ("Python:\n```python\n", "x = 1\n```\n", "x = 1"),
        ("Python:\n```python\n", "```python\nx = 1\n```\n", "x = 1"),
        ("Python:\n```python\n", "x = 1\n```python\n```\n", "x = 1\n```python"),
        ("Python:\n", "```python\nx = 1\n```\n", "x = 1"),
    ],
)
def test_code_at_when_the_opening_fence_stands_in_a_hint_then_the_code_is_read_all_the_same(
    hint, text, code
):
    segments = [Segment(kind="code", text=text, trainable=True)]
    if hint:
        segments.insert(0, Segment(kind="hint", text=hint, trainable=True))
    assert code_at(segments, len(segments) - 1) == code


def test_opens_when_a_text_ends_inside_a_python_block_then_it_says_so():
    assert opens("I leave it to Python.\n```python\n")
    assert not opens("I leave it to Python.\n")
    assert not opens("```\n")
    assert not opens("```python\nx\n```\n")


@pytest.mark.parametrize("printed", ["408", "", "a\nb", "```", "é"])
def test_output_of_when_an_output_is_fenced_then_what_was_printed_comes_back(printed):
    assert output_of(f"```output\n{printed}\n```\n") == printed
    assert output_of(f"\n```output\n{printed}\n```\n") == printed

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thoughtmill.schemas.rows import Segment
from thoughtmill.tasks.recipes.transcript import Transcript
from thoughtmill.tasks.teachers.formats import FORMATS
from thoughtmill.tasks.teachers.scripted import END, ByteTokens
from thoughtmill.tasks.teachers.tokens import HfTokens

PICO = HfTokens("models/pico")
BYTES = ByteTokens()
TEXTS = st.text(alphabet="ab `\n.é🚢\u200d12", max_size=40)


def begun(tokens) -> Transcript:
    ids = tokens.render([{"role": "user", "content": "?"}])
    prompt = Segment(kind="prompt", text="?", token_ids=tuple(ids), trainable=False)
    return Transcript(tokens, prompt, FORMATS["think"])


@pytest.mark.parametrize("tokens", [PICO, BYTES], ids=["pico", "bytes"])
@given(text=TEXTS, data=st.data())
def test_cut_when_it_goes_through_any_place_then_the_text_before_it_is_kept_and_no_more(
    tokens, text, data
):
    transcript = begun(tokens)
    written = tokens.encode(text)
    transcript.write(written)
    at = data.draw(st.integers(0, len(text)))
    transcript.cut(at)
    assert transcript.text == text[:at]
    whole = [n for n in range(len(written) + 1) if text[:at].startswith(tokens.decode(written[:n]))]
    assert transcript.stretch[: whole[-1]] == written[: whole[-1]]


def test_cut_when_the_last_token_holds_more_than_the_fence_then_only_the_rest_is_spelled_anew():
    transcript = begun(PICO)
    written = PICO.encode("x = 1\n```\n\n")
    assert PICO.decode(written[-1:]) == "\n\n"
    transcript.write(written)
    transcript.cut(len("x = 1\n```\n"))
    assert transcript.stretch == [*written[:-1], *PICO.encode("\n")]


def test_cut_when_an_end_token_follows_then_it_goes():
    transcript = begun(BYTES)
    transcript.write([*b"ab", END])
    transcript.cut(2)
    assert transcript.stretch == [*b"ab"]


def test_part_when_a_token_lies_across_an_end_then_it_goes_to_what_follows():
    transcript = begun(PICO)
    written = PICO.encode("a\n```python\n")
    transcript.write(written)
    transcript.part(("think", len("a\n```py")), ("code", None))
    think, code = transcript.segments[1:]
    assert think.token_ids + code.token_ids == tuple(written)
    assert (think.text, code.text) == ("a\n```", "python\n")


def test_close_when_the_tag_is_one_token_then_its_text_is_in_no_segment():
    transcript = begun(PICO)
    written = [*PICO.encode("So.\n</think>\n\n7"), 2]
    transcript.write(written)
    assert transcript.thought() == ("So.\n", True)
    assert transcript.close(("think", None)) == "\n\n7"
    think, answer = transcript.segments[1:]
    assert (think.text, answer.text) == ("So.\n", "\n\n7")
    assert think.token_ids + answer.token_ids == tuple(written)
    assert PICO.decode(think.token_ids) == "So.\n</think>"


class Hidden(ByteTokens):
    """A tokenizer whose closing tag is a special token, as it has no text in decoding."""

    def encode(self, text):
        ids = []
        for piece in text.replace("</think>", "\0").partition("\0"):
            ids += [300] if piece == "\0" else list(piece.encode())
        return ids


def test_close_when_the_tag_is_a_special_token_then_it_is_found_all_the_same():
    transcript = begun(Hidden())
    transcript.write([*b"So.", 300, *b"7", END])
    assert transcript.thought() == ("So.", True)
    transcript.close(("think", None))
    assert [(s.text, len(s.token_ids)) for s in transcript.segments[1:]] == [("So.", 4), ("7", 2)]


@pytest.mark.parametrize("text", ["</think>", "a<think>b", "<|end|>", "[x] < y <|bos|>", "é🚢", ""])
def test_insert_when_a_text_looks_like_control_tokens_then_it_is_spelled_as_text(text):
    transcript = begun(PICO)
    transcript.insert("output", text)
    added = transcript.ids[len(transcript.segments[0].token_ids) :]
    assert PICO.decode(added) == text
    assert not set(added) & {0, 1, 2, 3, 4, 5, *PICO.encode("<think></think>")}


@pytest.mark.parametrize(
    ("ids", "inside"),
    [
        (PICO.render([{"role": "user", "content": "?"}]), True),
        (PICO.encode("<think>"), True),
        (PICO.encode("<think>\nSo"), False),
        (PICO.encode("</think>\n"), False),
        (BYTES.render([{"role": "user", "content": "?"}]), False),
    ],
)
def test_opened_by_when_a_template_opens_the_tag_then_it_is_seen(ids, inside):
    tokens = BYTES if max(ids) < 300 and ids[-1] >= 256 else PICO
    assert FORMATS["think"].opened_by(ids, tokens) is inside

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.teachers.scripted import ByteTokens
from thoughtmill.tasks.teachers.tokens import HfTokens, tokenizer_version

PICO = Path("models/pico")
TOKENS = HfTokens(str(PICO))
CHAT = [{"role": "user", "content": "Tom has 3 apples and buys 4. How many now? 苹果🍎"}]
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80)
mixed = st.lists(
    st.sampled_from(["Tom has ", "  \n", "苹果", "🍎👩‍👩‍👧", "é", "12345", "\t ", "</think>"]),
    max_size=12,
).map("".join)


@settings(deadline=None)
@given(text=texts | mixed, max_tokens=st.integers(0, 60))
def test_cut_when_text_is_any_then_a_start_within_the_limit(text: str, max_tokens: int) -> None:
    cut = TOKENS.cut(text, max_tokens)
    assert text.startswith(cut)
    assert len(TOKENS.encode(cut)) <= max_tokens


@settings(deadline=None)
@given(text=texts | mixed, max_tokens=st.integers(1, 60))
def test_cut_when_shortened_then_the_next_character_would_not_fit(
    text: str, max_tokens: int
) -> None:
    cut = TOKENS.cut(text, max_tokens)
    whole = TOKENS.encode(text)
    if len(whole) <= max_tokens:
        assert cut == text
    else:  # a character takes at most four byte tokens, so at most three are left unused
        assert len(TOKENS.encode(cut)) >= max_tokens - 3 or len(text) - len(cut) <= 1


def test_cut_when_text_is_far_longer_than_the_limit_then_same_as_of_its_beginning() -> None:
    book = "Tom has 3 apples and buys 4 more. " * 20_000
    assert TOKENS.cut(book, 50) == TOKENS.cut(book[:500], 50)
    assert len(TOKENS.encode(TOKENS.cut(book, 50))) == 50


def test_decode_when_special_tokens_are_among_the_ids_then_left_out() -> None:
    ids = TOKENS.encode("some text")
    eos = AutoTokenizer.from_pretrained(PICO).eos_token_id
    assert TOKENS.decode([*ids, eos]) == "some text"


def test_decode_when_spaces_precede_punctuation_then_kept() -> None:
    assert TOKENS.decode(TOKENS.encode("a , b . c 's")) == "a , b . c 's"


def test_render_when_text_then_as_apply_chat_template() -> None:
    expected = AutoTokenizer.from_pretrained(PICO).apply_chat_template(
        CHAT, tokenize=True, add_generation_prompt=True, return_dict=False
    )
    assert TOKENS.render(CHAT) == expected


def test_render_when_content_is_text_parts_then_as_one_text() -> None:
    parts = [{"type": "text", "text": "Tom has"}, {"type": "text", "text": "3 apples"}]
    joined = TOKENS.render([{"role": "user", "content": "Tom has\n3 apples"}])
    assert TOKENS.render([{"role": "user", "content": parts}]) == joined


def test_render_when_prompt_has_an_image_then_config_error() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}
    with pytest.raises(ConfigError, match="images"):
        TOKENS.render([{"role": "user", "content": [image]}])


def test_tokens_when_name_is_unknown_then_config_error_in_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        HfTokens("no-such-owner/no-such-tokenizer")
    message = str(caught.value)
    assert message.startswith("teacher.tokenizer: 'no-such-owner/no-such-tokenizer' is neither")
    assert "\n" not in message


def test_tokens_when_folder_is_empty_then_config_error_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^teacher\.model: the folder .* holds no tokenizer"):
        HfTokens(str(tmp_path), setting="teacher.model")


def test_tokenizer_version_when_folder_moves_then_unchanged(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (PICO / name).exists():
            (copy / name).write_bytes((PICO / name).read_bytes())
    assert tokenizer_version(str(copy)) == tokenizer_version(str(PICO))
    (copy / "tokenizer.json").write_text("{}")
    assert tokenizer_version(str(copy)) != tokenizer_version(str(PICO))
    assert tokenizer_version("owner/name") == "owner/name"


@given(text=texts, max_tokens=st.integers(0, 40))
def test_byte_tokens_when_any_text_then_lossless_and_cut_whole(text: str, max_tokens: int) -> None:
    tokens = ByteTokens()
    assert tokens.decode(tokens.encode(text)) == text
    cut = tokens.cut(text, max_tokens)
    assert text.startswith(cut)
    assert len(tokens.encode(cut)) <= max_tokens
    assert len(tokens.encode(text[: len(cut) + 1])) > max_tokens or cut == text

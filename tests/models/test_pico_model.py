"""The files of the embedded teacher: template, tokenizer, weights and their layout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from transformers import AutoTokenizer, PreTrainedTokenizerBase

PICO = Path(__file__).resolve().parents[2] / "models" / "pico"
sys.path.insert(0, str(PICO))

import corpus  # noqa: E402

TOKENIZER: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(PICO)
HELLO = [{"role": "user", "content": "Hello"}]


def rendered(messages: list[dict[str, str]], **options: object) -> str:
    return TOKENIZER.apply_chat_template(messages, tokenize=False, **options)


def test_template_when_a_generation_is_asked_for_then_the_thought_is_open() -> None:
    expected = "<|bos|><|user|>\nHello<|end|>\n<|assistant|>\n<think>\n"
    assert rendered(HELLO, add_generation_prompt=True) == expected
    assert rendered(HELLO, add_generation_prompt=True, enable_thinking=True) == expected


def test_template_when_thinking_is_off_then_the_thought_is_closed_empty() -> None:
    text = rendered(HELLO, add_generation_prompt=True, enable_thinking=False)
    assert text.endswith("<|assistant|>\n<think>\n\n</think>\n\n")


def test_template_when_the_turns_are_past_then_their_content_is_kept() -> None:
    thought = "<think>\n1+1=2\n</think>\n\n2"
    messages = [
        {"role": "system", "content": "Be brief."},
        *HELLO,
        {"role": "assistant", "content": thought},
        {"role": "user", "content": "And then?"},
    ]
    assert rendered(messages) == (
        "<|bos|><|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n"
        f"<|assistant|>\n{thought}<|end|>\n<|user|>\nAnd then?<|end|>\n"
    )


def test_template_when_the_role_is_unknown_then_it_says_so() -> None:
    with pytest.raises(Exception, match="pico knows the roles"):
        rendered([{"role": "tool", "content": "4"}])


def test_corpus_when_opened_then_it_is_what_the_template_renders() -> None:
    for seed in range(200):
        made = corpus.conversation(seed)
        messages = [{"role": "user", "content": made.prompt}]
        if made.system:
            messages.insert(0, {"role": "system", "content": made.system})
        text = rendered(messages, add_generation_prompt=True, enable_thinking=made.thinking)
        assert made.opened == text


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_tokenizer_when_given_any_text_then_it_comes_back(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_tokenizer_when_given_numbers_then_each_digit_is_a_token() -> None:
    assert TOKENIZER.tokenize("12+307=319") == list("12+307=319")


def test_tokenizer_when_specials_are_skipped_then_the_thought_tags_stay() -> None:
    ids = TOKENIZER.encode("<think>\nso\n</think>\n\n4<|end|>")
    assert TOKENIZER.decode(ids, skip_special_tokens=True) == "<think>\nso\n</think>\n\n4"
    for tag in ("<think>", "</think>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"):
        assert len(TOKENIZER.encode(tag)) == 1


def test_tokenizer_when_given_code_then_fences_and_indents_are_short() -> None:
    block = "```python\nfor n in range(10):\n    print(n)\n```\n\n```output\n"
    assert len(TOKENIZER.encode(block)) < len(block) / 1.8


def test_weights_when_opened_then_they_are_small_and_16_bit() -> None:
    path = PICO / "model.safetensors"
    assert path.stat().st_size <= 12_000_000
    config = json.loads((PICO / "config.json").read_text(encoding="utf-8"))
    with safe_open(path, "pt") as weights:
        names = list(weights.keys())
        assert {weights.get_slice(name).get_dtype() for name in names} <= {"BF16", "F16"}
        rows = weights.get_slice("model.embed_tokens.weight").get_shape()[0]
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert rows == config["vocab_size"] == len(TOKENIZER)
    assert config["eos_token_id"] == TOKENIZER.eos_token_id


def test_network_when_saved_then_llama_computes_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from network import Pico, Shape, save
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    shape = Shape(vocab=64, width=32, layers=2, heads=4, kv_heads=2, hidden=48, positions=32)
    model = Pico(shape).bfloat16()
    save(model, tmp_path)
    twin = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    tokens = torch.tensor([[1, *(Random(0).randrange(64) for _ in range(20))]])
    with torch.no_grad():
        model = model.float()
        ours = model(tokens) @ model.embed.weight.T
        torch.testing.assert_close(ours, twin(tokens).logits, atol=1e-4, rtol=1e-4)


def test_network_when_loaded_then_it_has_the_weights_that_were_saved(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from network import Pico, Shape, load, save

    shape = Shape(vocab=64, width=32, layers=2, heads=4, kv_heads=2, hidden=48, positions=32)
    model = Pico(shape).bfloat16()
    save(model, tmp_path)
    other = Pico(shape).bfloat16()
    load(other, tmp_path)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_copying_when_a_network_starts_then_a_head_already_looks_back() -> None:
    torch = pytest.importorskip("torch")
    from copying import looks_back, start_copying
    from network import Pico, Shape

    shape = Shape(vocab=512, layers=2)
    tokens = torch.randint(14, shape.vocab, (1, 60), generator=torch.Generator().manual_seed(1))
    plain = Pico(shape)
    assert looks_back(plain, tokens) < 0.1
    start_copying(plain, seed=0)
    assert looks_back(plain, tokens) > 0.3

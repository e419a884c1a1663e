"""Trains pico's tokenizer: byte-level BPE with one token a digit, and the chat markers.

Merges are learned from pico's own corpus, the prompts and the Python standard library (its
reference text, docstrings and code, for ordinary English and for code). Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).resolve().parent
PROMPTS = HERE.parents[1] / "tasks" / "recipes" / "prompts"
PAD, BOS, END = "<|pad|>", "<|bos|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
RESERVED = tuple(f"<|reserved_{n}|>" for n in range(8))
SPECIAL = (PAD, BOS, END, *ROLES, *RESERVED)
# Added but not special: a thought's tags must survive decode(skip_special_tokens=True).
THINK = ("<think>", "</think>")
VOCAB_SIZE = 4096


def standard_library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def docstrings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text and len(text) > 60:
                yield text


def library_prose() -> Iterator[str]:
    """English from the standard library: the language reference and every docstring."""
    root = standard_library()
    topics = (root / "pydoc_data" / "topics.py").read_text(encoding="utf-8")
    yield from ast.literal_eval(topics[topics.index("{") :]).values()
    for path in sorted(root.glob("*.py")) + sorted(root.glob("*/*.py")):
        if any(part in {"site-packages", "test", "lib2to3", "idlelib"} for part in path.parts):
            continue
        try:
            yield from docstrings(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue


def library_code(limit: int = 40) -> Iterator[str]:
    for path in sorted(standard_library().glob("*.py"))[:limit]:
        yield f"```python\n{path.read_text(encoding='utf-8')[:6000]}\n```\n\n```output\n"


def library_words() -> list[str]:
    """Plain lower-case words of the library's prose, commonest first."""
    counts: dict[str, int] = {}
    for text in library_prose():
        for word in re.findall(r"(?<![\w.`'\"(*-])[a-z]{2,14}(?=[ ,;\n])", text):
            counts[word] = counts.get(word, 0) + 1
    return sorted((w for w, n in counts.items() if n > 2), key=lambda w: (-counts[w], w))


def train(texts: Iterator[str], vocab_size: int = VOCAB_SIZE) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(THINK),
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=16,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(tag, normalized=False, special=False) for tag in THINK])
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": END,
        "pad_token": PAD,
        "additional_special_tokens": [*ROLES, *RESERVED],
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
        "chat_template": (HERE / "chat_template.jinja").read_text(encoding="utf-8"),
    }
    text = json.dumps(config, indent=2) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")


def training_texts(conversations: int, seed: int) -> Iterator[str]:
    from corpus import conversation

    for n in range(conversations):
        chat = conversation(seed + n)
        yield chat.prompt
        yield chat.reply
    for path in sorted(PROMPTS.glob("*.txt")):
        yield from [path.read_text(encoding="utf-8")] * 20
    yield from library_prose()
    yield from library_code()


def main() -> None:
    parser = argparse.ArgumentParser(description="Train pico's tokenizer.")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--conversations", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=10**9)
    args = parser.parse_args()
    save(train(training_texts(args.conversations, args.seed)), args.out)


if __name__ == "__main__":
    main()

"""Measures pico through vLLM and prints the tables of its model card.

    python models/pico/evaluate.py
    python models/pico/evaluate.py --texts pages.jsonl papers.jsonl --focus
    python models/pico/evaluate.py --code 20 --problems 0 --puzzles 0 --documents 0 --annotations 0

Problems and documents are drawn with seeds that the training corpus does not use; at level 1,
where few problems exist, some will still have been seen.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from annotation_tables import annotating
from code_tables import accuracy, habits
from corpus import marked
from documents import document
from engine import Draw, Engine, average, start
from problems import LEVELS, problem
from turns import Conversation, render

HERE = Path(__file__).resolve().parent
QUOTE = re.compile(r"«\s*(.+?)\s*»", re.DOTALL)
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


def thinking_tokens(engine: Engine, draws: Sequence[Draw]) -> float:
    tokenizer = engine.llm.get_tokenizer()
    return average([len(tokenizer.encode(draw.written)) for draw in draws])


def solving(engine: Engine, count: int, seed: int, max_tokens: int) -> None:
    print("\n| level | problems | pass rate | thinking tokens | cut by length |")
    print("| --- | --- | --- | --- | --- |")
    asked = [(level, problem(level, seed + n)) for level in LEVELS for n in range(count)]
    prompts = [Conversation("solve", render("solve", problem=p.question), "") for _, p in asked]
    draws = engine.sample(prompts, max_tokens)
    for level in LEVELS:
        rows = [(p, d) for (at, p), d in zip(asked, draws, strict=True) if at == level]
        passed = [BOXED.findall(d.reply)[-1:] == [p.answer] for p, d in rows]
        mine = [d for _, d in rows]
        print(
            f"| {level} | {len(rows)} | {average(passed):.2f} "
            f"| {thinking_tokens(engine, mine):.0f} | {average([d.cut for d in mine]):.3f} |"
        )


def puzzles(engine: Engine, count: int, seed: int, max_tokens: int) -> None:
    from solutions import comparison, puzzle

    rng = Random(f"pico evaluation {seed}")
    asked = [puzzle(rng) for _ in range(count)] + [comparison(rng) for _ in range(count // 4)]
    prompts = [Conversation("solve", render("solve", problem=one.question), "") for one in asked]
    right: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for one, draw in zip(asked, engine.sample(prompts, max_tokens), strict=True):
        kind = (
            "leg_counting" if "legs" in one.question
            else "basic_arithmetic" if one.question.startswith("Calculate")
            else "chain_sum" if one.question.startswith("State")
            else "comparison"
        )  # fmt: skip
        seen[kind] += 1
        right[kind] += BOXED.findall(draw.reply)[-1:] == [one.answer]
    print("\n| puzzle | drawn | pass rate |\n| --- | --- | --- |")
    for kind, total in sorted(seen.items()):
        print(f"| {kind} | {total} | {right[kind] / total:.2f} |")


def quoted(text: str, draw: Draw) -> tuple[float, float]:
    """Share of the thought's words inside quotes that the text holds; share of quotes it holds."""
    quotes = QUOTE.findall(draw.written)
    true = [quote for quote in quotes if quote in text]
    words = len(draw.written.split()) or 1
    return sum(len(q.split()) for q in true) / words, len(true) / len(quotes) if quotes else 0.0


def report(engine: Engine, name: str, texts: Sequence[str], draws: Sequence[Draw]) -> None:
    shares = [quoted(text, draw) for text, draw in zip(texts, draws, strict=True)]
    told = [bool(re.search(r"\b(user|prompt|request)\b", d.written)) for d in draws]
    print(
        f"| {name} | {len(draws)} | {average([d.thought is not None for d in draws]):.2f} "
        f"| {thinking_tokens(engine, draws):.0f} | {average([a for a, _ in shares]):.2f} "
        f"| {average([b for _, b in shares]):.2f} | {average(told):.2f} |"
    )


def reading(
    engine: Engine, groups: dict[str, list[str]], focus: bool, seed: int, max_tokens: int
) -> None:
    heads = "documents | read | closed | thinking tokens | words quoted | quotes true | on request"
    print(f"\n| {heads} |\n|{' --- |' * 7}")
    for name, texts in groups.items():
        rng = Random(f"pico evaluation {seed}")
        prompts = []
        for text in texts:
            if focus:
                shown, marker, _ = marked(rng, text)
                prompt = render("thinking_focus", document=shown, marker=marker)
            else:
                prompt = render("thinking", document=text)
            prompts.append(Conversation("read", prompt, ""))
        report(engine, name, texts, engine.sample(prompts, max_tokens))


def own_documents(count: int, seed: int) -> dict[str, list[str]]:
    """Pico's own kind of documents: without a figure to work out, with one or two, with more."""
    groups: dict[str, list[str]] = {"light": [], "middling": [], "heavy": []}
    while min(len(found) for found in groups.values()) < count:
        made = document(seed)
        facts = len(made.facts)
        kind = "light" if facts == 0 else "middling" if facts < 3 else "heavy"
        if len(groups[kind]) < count:
            groups[kind].append(made.text)
        seed += 1
    return groups


def texts_of(path: Path, tokenizer: Any, tokens: int) -> list[str]:
    """The `text` of each row, cut to this many of pico's tokens."""
    rows = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
    return [tokenizer.decode(tokenizer.encode(row)[:tokens]) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, default=HERE)
    parser.add_argument("--problems", type=int, default=300, help="problems a level; 0 for none")
    parser.add_argument("--puzzles", type=int, default=300)
    parser.add_argument("--code", type=int, default=100, help="problems a level, with Python")
    parser.add_argument("--annotations", type=int, default=100, help="answers to explain a level")
    parser.add_argument("--documents", type=int, default=100, help="documents a group")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="JSONL files with `text`")
    parser.add_argument("--text-tokens", type=int, default=768, help="texts are cut to this")
    parser.add_argument("--focus", action="store_true", help="put a marker into each document")
    parser.add_argument("--max-tokens", type=int, default=1024, help="of a solution")
    parser.add_argument("--max-thinking", type=int, default=512, help="of a thought on a document")
    parser.add_argument("--temperature", type=float, default=0.6)
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument(
        "--dtype", default="bfloat16", help="float32 is faster where a CPU has AVX2"
    )
    parser.add_argument("--seed", type=int, default=5_000_000)
    args = parser.parse_args()
    engine = start(args.model, args.temperature, args.top_p, args.seed, args.dtype)
    if args.problems:
        solving(engine, args.problems, args.seed, args.max_tokens)
    if args.puzzles:
        puzzles(engine, args.puzzles, args.seed, args.max_tokens)
    if args.code:
        habits(accuracy(engine, args.code, args.seed, args.max_tokens))
    if args.annotations:
        annotating(engine, args.annotations, args.seed, args.max_tokens)
    groups = own_documents(args.documents, args.seed) if args.documents else {}
    for path in args.texts:
        groups[path.stem] = texts_of(path, engine.llm.get_tokenizer(), args.text_tokens)
    if groups:
        reading(engine, groups, args.focus, args.seed, args.max_thinking)


if __name__ == "__main__":
    main()

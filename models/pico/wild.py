"""Text that pico has no templates for: library prose, code, notation, invented languages.

Thinking about such documents teaches pico to find and copy words it has never seen together, so
that on a real page its thought is about that page. The library texts are those of the Python
standard library on the machine that trains.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

from vocabulary import library_code, library_prose, library_words

ALPHABETS = (
    ("aeiou", "bcdfglmnprstv"),
    ("aeiouáéíóúñ", "bcdfghjlmnpqrstvz"),
    ("aeiouäöüy", "bdfghklmnprstwzß"),
    ("αεηιοω", "βγδθκλμνπρστφχ"),
    ("аеиоуыя", "бвгдзклмнпрстчш"),
    ("अआइउए", "कगचजटडतदनपबमरलस"),
    ("一人大山水火木日月", "中国学文時間見行来会"),
    ("aeiouAEIO", "qxzkwjvbXZKQW0123456789_"),
)
COMMAND_NAMES = (
    "alpha beta gamma delta lambda mu sigma phi psi omega partial nabla sum int frac sqrt "
    "mathbf mathcal cite ref label eqref emph textbf section infty hat bar left right leq geq "
    "approx"
)
COMMANDS = COMMAND_NAMES.split()
JOINTS = (". ", ". ", ". ", ", ", ", ", "; ", ": ", " (", ") ", "? ", "! ", "\n", ".\n\n", " - ")


@cache
def prose() -> tuple[str, ...]:
    return tuple(text for text in library_prose() if len(text) > 400)


@cache
def code() -> tuple[str, ...]:
    return tuple(text.removeprefix("```python\n") for text in library_code(200))


@cache
def lexicon() -> tuple[str, ...]:
    return tuple(library_words())


def window(rng: Random, texts: tuple[str, ...], length: int) -> str:
    """A stretch of about `length` characters of one of the texts, its margin taken off."""
    text = rng.choice(texts)
    start = rng.randrange(max(1, len(text) - length))
    start = text.find("\n" if "\n" in text[start:] else " ", start) + 1
    lines = text[start : start + length].splitlines()
    return "\n".join(line.strip() for line in lines).strip()


def unwrapped(rng: Random, length: int) -> str:
    """Library prose with its paragraphs on one line each, as web pages have them."""
    paragraphs = window(rng, prose(), length).split("\n\n")
    return rng.choice(("\n", "\n\n")).join(" ".join(part.split()) for part in paragraphs)


def invented(rng: Random) -> Callable[[], str]:
    """A made-up language: a small lexicon in one alphabet, a few words much commoner."""
    vowels, consonants = rng.choice(ALPHABETS)

    def syllable() -> str:
        head, core = rng.choice(consonants), rng.choice(vowels)
        return head + core + rng.choice(("", "", rng.choice(consonants)))

    size = rng.randint(20, 200)
    known = ["".join(syllable() for _ in range(rng.randint(1, 4))) for _ in range(size)]
    return lambda: known[int(len(known) * rng.random() ** 2)]


def strewn(rng: Random, length: int, word: Callable[[], str]) -> str:
    """Words in sentences of odd punctuation, with capitals and numbers here and there."""
    parts: list[str] = []
    size, fresh = 0, True
    while size < length:
        chosen = word()
        roll = rng.random()
        if fresh or roll < 0.08:
            chosen = chosen[:1].upper() + chosen[1:]
        elif roll < 0.13:
            chosen = str(rng.randint(1, 10 ** rng.randint(1, 4)))
        joint = rng.choice(JOINTS) if rng.random() < 0.12 else " "
        fresh = joint[0] in ".?!\n"
        parts += chosen, joint
        size += len(chosen) + len(joint)
    return "".join(parts).strip()


def notation(rng: Random) -> str:
    symbol = "\\" + rng.choice(COMMANDS)
    match rng.randrange(6):
        case 0:
            return f"${symbol}_{{{rng.choice('ijkmn')}}}$"
        case 1:
            name, scale, power = rng.choice("xyzt"), rng.randint(2, 99), rng.randint(2, 4)
            return f"$${symbol}({name}) = {scale}{symbol}^{power}$$"
        case 2:
            return f"{symbol}{{{rng.choice(lexicon())}:{rng.randint(1, 20)}}}"
        case 3:
            return f"${rng.choice('abcxyz')} {symbol} {rng.choice('abcxyz')}+{rng.randint(1, 9)}$"
        case 4:
            return f"{rng.choice('fghLMPQ')}({rng.choice('xyzn')})"
        case _:
            return f"\\begin{{{rng.choice(lexicon())}}}"


def text(rng: Random, length: int) -> str:
    """A wild document of about `length` characters; half of them are real English."""
    kind = rng.random()
    if kind < 0.2:
        return window(rng, prose(), length)
    if kind < 0.45:
        return unwrapped(rng, length)
    if kind < 0.52:
        return window(rng, code(), length)
    if kind < 0.68:
        return strewn(rng, length, lambda: rng.choice(lexicon()))
    if kind < 0.84:
        return strewn(rng, length, invented(rng))
    if kind < 0.92:
        return strewn(
            rng, length, lambda: notation(rng) if rng.random() < 0.25 else rng.choice(lexicon())
        )
    foreign = invented(rng)
    return strewn(rng, length, lambda: foreign() if rng.random() < 0.5 else rng.choice(lexicon()))

"""The options of a multiple-choice problem, and which of them the gold answer names.

An answer is stored as a letter where that can only mean one option, else as the option's text; one
that could mean two options is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from thoughtmill.schemas.ids import content_hash
from thoughtmill.tasks.sources.fields import Gold
from thoughtmill.tasks.sources.jsontext import Flaw, Number, parse

_MARK = re.compile(r"(?:(?<=\s)|^|(?<=[;,]))(?:\(([A-Za-z])\)|([A-Za-z])[).:])\s*")


class OptionsError(Exception):
    """Options or an answer that can't be read; the arguments are reason and detail."""


class Options(NamedTuple):
    """Options in order; `labels` is empty where the source gives them none."""

    texts: tuple[Any, ...]
    labels: tuple[str, ...] = ()


def read_options(value: Any) -> Options:
    """Options as published: list, object by label, list of labelled objects, JSON, or one text.

    Raises `OptionsError`.
    """
    if value is None:
        return Options(())
    if isinstance(value, str) and not isinstance(value, Number):
        if value.lstrip()[:1] in ("[", "{") and value.strip():
            inner = parse(value.encode("utf-8", "surrogatepass"), 0)
            if isinstance(inner, Flaw):
                raise OptionsError("options_unclear", "options look like JSON and are not")
            return read_options(inner)
        return _marked(value)
    if isinstance(value, Mapping):
        return _of_object(value)
    if not isinstance(value, (list, tuple)):
        raise OptionsError("wrong_type", "options are not a list")
    if value and all(isinstance(one, Mapping) for one in value):
        return _of_objects(value)
    return Options(tuple(value))


def _of_object(value: Mapping[str, Any]) -> Options:
    """`{"text": […], "label": […]}` as in ARC, or options by their labels."""
    texts, labels = value.get("text"), value.get("label")
    if isinstance(texts, (list, tuple)) and isinstance(labels, (list, tuple)):
        if len(texts) != len(labels):
            raise OptionsError("options_unclear", f"{len(texts)} options, {len(labels)} labels")
        return Options(tuple(texts), tuple(map(str, labels)))
    kept = {str(label): text for label, text in value.items() if text is not None}
    return Options(tuple(kept.values()), tuple(kept))


def _of_objects(value: Sequence[Mapping[str, Any]]) -> Options:
    """`[{"text": …, "label": …}, …]`, or `[{"A": …}, {"B": …}]`."""
    if all({"text", "label"} <= one.keys() for one in value):
        return Options(
            tuple(one["text"] for one in value), tuple(str(one["label"]) for one in value)
        )
    if all(len(one) == 1 for one in value):
        return _of_object({label: text for one in value for label, text in one.items()})
    raise OptionsError("options_unclear", "options are objects without `text` and `label`")


def _marked(text: str) -> Options:
    """Options in one text: `A) one B) two`, `(A) one (B) two`, one a line or all in one."""
    found: list[re.Match[str]] = []
    for mark in _MARK.finditer(text):
        if (mark[1] or mark[2]).upper() == chr(ord("A") + len(found)):
            found.append(mark)
    if len(found) < 2 or text[: found[0].start()].strip():
        raise OptionsError("options_unclear", "options in one text without marks such as A) B)")
    ends = [*(mark.start() for mark in found[1:]), len(text)]
    texts = [
        text[m.end() : end].strip().rstrip(",;").strip() for m, end in zip(found, ends, strict=True)
    ]
    return Options(tuple(texts), tuple((m[1] or m[2]).upper() for m in found))


def bare(texts: Sequence[str]) -> tuple[str, ...]:
    """Options without the letters that a source writes before each: `A)12` is `12`."""
    cut = []
    for at, text in enumerate(texts):
        mark = _MARK.match(text)
        if not mark or (mark[1] or mark[2]).upper() != chr(ord("A") + at):
            return tuple(texts)
        cut.append(text[mark.end() :])
    return tuple(cut) if len(cut) > 1 and all(one.strip() for one in cut) else tuple(texts)


def order_of(text: str, count: int) -> list[int]:
    """An order of `count` options that hangs on the problem's text alone."""
    return sorted(range(count), key=lambda n: content_hash("option", text, n))


def number_of(gold: str, texts: Sequence[str], labels: Sequence[str], how: Gold | None) -> int:
    """Which option, from 0, a gold answer names.  Raises `OptionsError`."""
    said = gold.strip()
    found = {
        n
        for way in ([how] if how else _ways(said, labels))
        for n in _named(way, said, texts, labels)
    }
    if not found:
        raise OptionsError("gold_no_option", f"the answer {said[:60]!r} names none of the options")
    if len(found) > 1:
        raise OptionsError("gold_unclear", f"the answer {said[:60]!r} names several options")
    return found.pop()


def unclear(gold: str, count: int, labels: Sequence[str]) -> bool:
    """Whether a bare number might be an index from 0, from 1, or the text of an option."""
    said = gold.strip()
    return said.isascii() and said.isdigit() and int(said) <= count and said not in labels


def named(number: int, texts: Sequence[str]) -> str:
    """What stands for an option as the gold answer: its letter, or its text where that is clearer.

    A letter that is also the text of an option would be read as that option.
    """
    letter = chr(ord("A") + number)
    others = [text.strip().strip("()[].:*$ ") for text in texts]
    if number < 26 and letter not in others:
        return letter
    if others.count(others[number]) > 1:
        raise OptionsError("gold_unclear", "options of the same text, or named like letters")
    return texts[number]


def _ways(said: str, labels: Sequence[str]) -> list[Gold]:
    ways: list[Gold] = ["text"]
    if labels:
        ways.append("label")
    if re.fullmatch(r"\(?[A-Z]\)?[.):]?", said) and not (set(labels) & {said.strip("().:")}):
        ways.append("letter")
    return ways


def _named(how: Gold, said: str, texts: Sequence[str], labels: Sequence[str]) -> list[int]:
    if how == "text":
        return [n for n, text in enumerate(texts) if text.strip() == said]
    if how == "label":
        wanted = said.strip("(). :")
        return [n for n, label in enumerate(labels) if label.strip() in (said, wanted)]
    if how == "letter":
        letter = said.strip("(). :*").upper()
        at = ord(letter) - ord("A") if len(letter) == 1 and letter.isalpha() else -1
    else:
        whole = re.fullmatch(r"\d+(?:\.0+)?", said)
        at = int(float(said)) - (how == "index_from_1") if whole else -1
    return [at] if 0 <= at < len(texts) else []

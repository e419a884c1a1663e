"""The answer inside a response: boxes, tags, phrases, last numbers.  Linear in its length."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

How = Literal["box", "tag", "hash", "phrase", "parts", "whole", "math", "number", "none"]
_THOUGHT_END = re.compile(r"</(?:think|thinking|reasoning|thought)>")
_THOUGHT_START = re.compile(r"<(?:think|thinking|reasoning|thought)>")
_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_INNER_BOX = re.compile(r"^\\(?:boxed|fbox)\s*\{(.*)\}$", re.DOTALL)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_WORD = re.compile(r"[^\s$,;]+")
_LABEL = re.compile(r"^[A-Z][A-Za-z ]{1,30}:\s+")
_LEAD = re.compile(
    r"^(?:(?:so|thus|hence|therefore)\b,?\s*)?(?:it|that|this)\s*(?:is|was|equals|=|'s)\s+(?=\S)",
    re.IGNORECASE,
)
_BETWEEN_BOXES = re.compile(
    r"[\s$.,;]*(?:and|or|,|;|&|\\quad|\\qquad|\\text\{\s*(?:and|or)\s*\})?[\s$]*(?:\\?[\[\](]|\w\s*=)?[\s$]*"
)
_TAG = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL | re.IGNORECASE)
_HASH = re.compile(r"^####[ \t]*(.+)$", re.MULTILINE)
_PHRASE = re.compile(
    r"\b(?:answer|(?:final|correct|right)[ \t]+(?:result|solution|choice|option|value))[ \t]*"
    r"(?:\([^()\n]{0,40}\)[ \t]*)?\**[ \t]*"
    r"(?::|=|\bis\b(?![ \t]+not\b)[ \t]*(?:therefore|thus|simply|just|equal[ \t]+to)?[ \t]*:?)"
    r"[ \t]*\**[ \t]*(?:\n[ \t]*){0,2}",
    re.IGNORECASE,
)
# As pandoc has it: money such as `$5 and $7` is no formula, nor is `\$5`.
_MATH = re.compile(
    r"\$\$(?P<a>[^$]+)\$\$|(?<!\\)\$(?P<b>[^\s$](?:[^$\n]*[^\s$\\])?)\$(?!\d)"
    r"|\\\((?P<c>.+?)\\\)|\\\[(?P<d>.+?)\\\]",
    re.DOTALL,
)
_NUMBER = re.compile(
    r"(?<![\w.√^])[-+−–]?(?:\\?[$€£])?\d+(?:,\d{3}(?!\d))*(?:\.\d+)?(?:/\d+)?(?:[eE][-+]?\d+)?\s?%?"
)
_PART = re.compile(r"^\s*(?:[-*•·]\s|\(?[a-z0-9]{1,2}[).]\s|[^\n]{1,80}:\s*$)", re.MULTILINE)
_MAX_PARTS_CHARS = 600
_END_OF_ANSWER = re.compile(
    r"\n|[.!?。](?=\s|$|\*)|,?\s(?:because|since|so that|which|where|as we)\b"
)
_TEXT_GROUP = re.compile(r"\\text\{[^{}]*\}")
_PROSE_CHARS = 60
"""A one-line response up to here that is not a sentence is the answer itself."""
_MOST_BOXES = 8


class Found(NamedTuple):
    """An answer and where it stood; `text` is None where there is none."""

    text: str | None
    how: How


def visible(response: str) -> str | None:
    """What is said after the thought; None where the thought never ends."""
    ends = [match.end() for match in _THOUGHT_END.finditer(response)]
    response = response[ends[-1] :] if ends else response
    opened = _THOUGHT_START.search(response)
    if opened:
        return response[: opened.start()].strip() or None
    return response


def find_answer(response: str) -> Found:
    """The final answer of a response: the last box, tag or phrase, else what stands last in it."""
    text = visible(response)
    if text is None or not text.strip():
        return Found(None, "none")
    boxed = boxes(text)
    if boxed:
        return Found(boxed, "box")
    tags = _TAG.findall(text)
    if tags and tags[-1].strip():
        return Found(tags[-1].strip(), "tag")
    hashes = _HASH.findall(text)
    if hashes:
        return Found(hashes[-1].strip(), "hash")
    phrase = _after_phrase(text)
    if phrase:
        return phrase
    if _is_bare(text.strip()):
        return Found(_LEAD.sub("", _LABEL.sub("", text.strip())), "whole")
    return _last(text)


def boxes(text: str) -> str | None:
    """The content of the last box, or of the last few where only `and` or commas part them."""
    first = _BOX.search(text)
    if not first:
        return None
    ends = _closing_braces(text, first.end())
    found: list[tuple[int, int, str]] = []
    for match in _BOX.finditer(text):
        if found and match.start() < found[-1][1]:
            continue  # a box inside a box
        at = match.end()
        if text[at : at + 1] != "{":
            word = _WORD.match(text, at)
            if word:
                found.append((match.start(), word.end(), word.group().rstrip(".")))
        elif at in ends:
            found.append((match.start(), ends[at] + 1, text[at + 1 : ends[at]].strip()))
    if not found:
        return None
    kept = [found[-1]]
    for earlier in reversed(found[-_MOST_BOXES:-1]):
        if not _BETWEEN_BOXES.fullmatch(text[earlier[1] : kept[0][0]][:80]):
            break
        kept.insert(0, earlier)
    contents = list(dict.fromkeys(_INNER_BOX.sub(r"\1", c) for _, _, c in kept))
    return ", ".join(contents).strip() or None


def _closing_braces(text: str, start: int) -> dict[int, int]:
    """Where each brace from `start` on is closed; those that never are have no entry."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACE.finditer(text, start):
        if brace.group() == "{":
            opened.append(brace.start())
        elif brace.group() == "}" and opened:
            ends[opened.pop()] = brace.start()
    return ends


def _after_phrase(text: str) -> Found | None:
    """What follows the last `the answer is`: a sentence, or all the lines of an answer in parts."""
    ends = [match.end() for match in _PHRASE.finditer(text)]
    if not ends:
        return None
    rest = text[ends[-1] :].strip()[:2000]
    if _PART.match(rest) and len(rest.splitlines()) > 1:
        return Found(rest[:_MAX_PARTS_CHARS], "parts")
    answer = _to_end(rest)
    return Found(answer, "phrase") if answer else None


def _to_end(rest: str) -> str | None:
    """The answer at the start of `rest`, up to the end of its sentence or of its formula."""
    math = _MATH.match(rest)
    if math and math.lastgroup != "b":
        return math[math.lastgroup or 0].strip()
    inside = [match.span() for match in _MATH.finditer(rest)]
    cut = len(rest)
    for end in _END_OF_ANSWER.finditer(rest):
        # A full stop inside a formula ends nothing.
        if not any(start < end.start() < stop for start, stop in inside):
            cut = end.start()
            break
    return rest[:cut].strip().strip("*").strip().rstrip(",;") or None


def _is_bare(text: str) -> bool:
    """Whether a text is nothing but an answer."""
    if "\n" in text:
        return False
    if _MATH.fullmatch(text):
        return True
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"\\[A-Za-z]+|\{[^{}]*\}", " ", text))
    return (len(text) <= _PROSE_CHARS and len(words) <= 4) or (" " not in text and len(words) <= 1)


def is_prose(answer: str) -> bool:
    """Whether an answer is a sentence rather than a value: three words or more outside formulas."""
    plain = _MATH.sub(" ", answer)
    return len(re.findall(r"(?<![\\A-Za-z])[A-Za-z]{2,}", _TEXT_GROUP.sub(" ", plain))) >= 3


def numbers(answer: str) -> list[str]:
    """The numbers and formulas of a sentence, each once."""
    formulas = [m[m.lastgroup or 0].strip() for m in _MATH.finditer(answer)]
    plain = [m.group().strip() for m in _NUMBER.finditer(_MATH.sub(" ", answer))]
    return list(dict.fromkeys(formulas + plain))


def _last(text: str) -> Found:
    """The last formula or number of the last line that has one."""
    for line in reversed(text.strip().splitlines()[-50:]):
        line = line[-2000:]
        math = [m[m.lastgroup or 0] for m in _MATH.finditer(line)]
        math = [m.rpartition("=")[2] if m.count("=") > 1 else m for m in math]
        if math and math[-1].strip():
            return Found(math[-1].strip(), "math")
        tail = re.split(r"=|≈|≃|:", line)[-1].strip().rstrip(".")
        if tail != line.strip().rstrip(".") and tail and _is_bare(tail):
            return Found(tail, "number")
        found = _NUMBER.findall(line)
        if found:
            return Found(found[-1].strip(), "number")
    return Found(None, "none")

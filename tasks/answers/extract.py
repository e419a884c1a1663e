"""The answer inside a response: boxes, tags, phrases, last numbers.  Linear in its length."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

How = Literal[
    "box", "boxes", "unclaimed", "tag", "hash", "phrase", "parts", "whole", "math", "number", "none"
]
_THOUGHT_END = re.compile(r"</(?:think|thinking|reasoning|thought)>")
_THOUGHT_START = re.compile(r"<(?:think|thinking|reasoning|thought)>")
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*")
_INNER_BOX = re.compile(r"^\\(?:boxed|fbox)\s*\{(.*)\}$", re.DOTALL)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_WORD = re.compile(r"[^\s$,;]+")
_LABEL = re.compile(r"^(?!Confidence|Step|Question|Problem|Score)[A-Z][A-Za-z ]{1,30}:\s+")
_LEAD = re.compile(
    r"^(?:(?:so|thus|hence|therefore)\b,?\s*)?(?:it|that|this)\s*(?:is|was|equals|=|'s)\s+(?=\S)",
    re.IGNORECASE,
)
_BETWEEN_BOXES = re.compile(
    r"[\s$.,;*]*(?:\\[\])])?[\s$.,;*]*(?:and|or|und|et|y|и|和|或|,|;|&|、|\\quad|\\qquad"
    r"|\\text\{\s*(?:and|or)\s*\})?[\s$*]*(?:\\[\[(])?[\s$*]*"
    r"(?P<label>[A-Za-z](?:_(?:\w|\{\w+\}))?)?\s*(?(label)=|)[\s$]*"
)
_BOX_LABEL = re.compile(r"([A-Za-z])(?:_(?:\w|\{\w+\}))?\s*=[\s$]*$")
_CORRECTED = re.compile(
    r"\b(?:wait|actually|correct|no,|rather|instead|must be|should be)\b", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"\n|[.!?]\s")
_END_OF_TEXT = re.compile(
    r"<\|(?:im_end|im_start|eot_id|endoftext|end_of_text|end)\|>|</s>|<eos>|<end_of_turn>"
)
_NEXT_QUESTION = re.compile(r"\n\s*\**(?:Question|Problem|Q|Human|User)\s*\d*\s*\**:")
_TAG = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL | re.IGNORECASE)
_HASH = re.compile(r"^####[ \t]*(.+)$", re.MULTILINE)
_PHRASE = re.compile(
    r"(?:答案(?:是|为|為)?|答え(?:は)?|정답(?:은)?|답(?:은)?|उत्तर|الجواب|الإجابة|\bОтвет|\bВідповідь"
    r"|\b(?:respuesta|réponse|antwort|risposta|resposta|odpowiedź|cevap|απάντηση|đáp án))"
    r"[ \t]*(?:final|finale?|es|est|ist|è|é)?[ \t]*\**[ \t]*[:\uff1a=]?[ \t]*\**[ \t]*(?=[^\s])"
    r"|\b(?:answer|(?:final|correct|right)[ \t]+(?:result|solution|choice|option|value))[ \t]*"
    r"(?:\([^()\n]{0,40}\)[ \t]*)?\**[ \t]*"
    r"(?::|=|\bis\b(?![ \t]+not\b)[ \t]*(?:therefore|thus|simply|just|equal[ \t]+to)?[ \t]*:?)"
    r"[ \t]*\**[ \t]*(?:\n[ \t]*){0,2}",
    re.IGNORECASE,
)
# As pandoc has it: money such as `$5 and $7` is no formula, nor is `\$5`.
_MATH = re.compile(
    r"\$\$(?P<a>[^$]+)\$\$|(?<!\\)\$(?P<b>[^\s$](?:[^$\n]*[^\s$\\])?)\$(?!\d)"
    r"|(?<![\\\w])\$[ ](?P<e>(?:\\[A-Za-z]+|[A-Za-z](?![A-Za-z])|[^$\n\\A-Za-z]|\\[^A-Za-z])+?)[ ]\$(?![\d\w])"  # noqa: E501
    r"|\\\((?P<c>.+?)\\\)|\\\[(?P<d>.+?)\\\]",
    re.DOTALL,
)
_NUMBER = re.compile(
    r"(?<![\w.√^])[-+−–]?(?:\\?[$€£])?\d+(?:,\d{3}(?!\d))*(?:\.\d+)?(?:/\d+|(?::\d+)+)?(?:[eE][-+]?\d+)?\s?%?"
)
_PART = re.compile(r"^\s*(?:[-*•·]\s|\(?[a-z0-9]{1,2}[).]\s|[^\n]{1,80}:\s*$)", re.MULTILINE)
_MAX_PARTS_CHARS = 600
_END_OF_ANSWER = re.compile(
    r"\n|[.!?](?=\s|$|\*)|。|,\s(?!(?:and|or)\b)(?=[a-z]{2,})|,?\s(?:because|since|so that|which|where|as we)\b"  # noqa: E501
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
    text = _first_reply(text)
    boxed = boxes(text)
    if boxed:
        return Found(boxed, "boxes" if _are_scattered(text) else "box")
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


def _first_reply(text: str) -> str:
    """What stands before the mark that ends a reply, or before another question after an answer."""
    ended = _END_OF_TEXT.search(text)
    if ended and text[: ended.start()].strip():
        text = text[: ended.start()]
    asked = _NEXT_QUESTION.search(text)
    if asked:
        before = text[: asked.start()]
        if _BOX.search(before) or _HASH.search(before) or _PHRASE.search(before):
            return before
    return text


def _are_scattered(text: str) -> bool:
    """Whether another box stands before the answer in its sentence, parted from it by words."""
    found = _found_boxes(text)
    kept = _joined(text, found)
    if len(kept) == len(found):
        return False
    earlier, first = found[-len(kept) - 1], kept[0]
    between = text[earlier[1] : first[0]]
    said = {content for _, _, content in kept}
    labelled = bool(
        re.search(r"(?:root|solution|value|part|case)[^.\n]*[:=]\s*[\s$]*$", between, re.IGNORECASE)
    )
    if _CORRECTED.search(between):
        return False
    return earlier[2] not in said and (labelled or not _SENTENCE_END.search(between))


def boxes(text: str) -> str | None:
    """The content of the last box, or of the last few where only `and` or commas part them."""
    kept = _joined(text, _found_boxes(text))
    contents = [_INNER_BOX.sub(r"\1", content) for _, _, content in kept]
    labels = [_BOX_LABEL.search(text[max(0, start - 12) : start]) for start, _, _ in kept]
    if len(kept) > 1 and all(labels) and len({label[1] for label in labels if label}) == len(kept):
        contents = [
            f"{label[1]}={one}" for label, one in zip(labels, contents, strict=True) if label
        ]
    return ", ".join(dict.fromkeys(contents)).strip() or None


def _found_boxes(text: str) -> list[tuple[int, int, str]]:
    """Start, end and content of each box."""
    first = _BOX.search(text)
    if not first:
        return []
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
    return found


def _joined(text: str, found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The last box, and those before it that only `and`, a comma or a name part from it."""
    if not found:
        return []
    kept = [found[-1]]
    for earlier in reversed(found[-_MOST_BOXES:-1]):
        if not _BETWEEN_BOXES.fullmatch(text[earlier[1] : kept[0][0]][:80]):
            break
        kept.insert(0, earlier)
    return kept


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
    if math and math.lastgroup not in ("b", "e"):
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
    if re.match(r"(?:Confidence|Step|Question|Problem|Score)\b", text):
        return False
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


_CLAIM = re.compile(
    r"=|≈|≃|:(?!\d)|\b(?:so|thus|hence|therefore|is|are|was|were|equals?|gives?|yields?|leaves?|makes?|get|gets|have|has|"
    r"had|obtain|find|needs?|costs?|total|altogether|answer|result|com(?:es?|ing) to|came to|comes out|at|be|"  # noqa: E501
    r"follows|earns?|paid|pays?|spends?|spent|conclude)\b",
    re.IGNORECASE,
)
_NO_CLAIM = re.compile(
    r"n't\b|\b(?:not|cannot|never|unable|sorry|give up|let us|let's|suppose|assume|confidence|maybe|perhaps|"  # noqa: E501
    r"try|next|step|attempt|question|problem|if|guess|either|unless|except)\b",
    re.IGNORECASE,
)
_AFTER_CLAIM = re.compile(r"^[\s$%°*)\]]*(?:[^\W\d_]+[\s$.!*/²³]*){0,3}[\s.!*$)\]]*$")


def _is_claimed(line: str) -> bool:
    """Whether the last sentence of a line says of its last number that this is the answer."""
    sentence = re.split(r"(?<=[.!?])\s+(?=[A-Z])", line.strip())[-1]
    last = next(reversed(list(_NUMBER.finditer(sentence))), None)
    formula = list(_MATH.finditer(sentence))
    if formula and (last is None or formula[-1].end() > last.start()):
        before, after = sentence[: formula[-1].start()], sentence[formula[-1].end() :]
        claimed = bool(_CLAIM.search(sentence))
    elif last is not None:
        before, after = sentence[: last.start()], sentence[last.end() :]
        claimed = bool(_CLAIM.search(before))
    else:
        return False
    if _NO_CLAIM.search(sentence) or not _AFTER_CLAIM.match(after):
        return False
    return claimed and not re.match(r"^\s*\d+[.)]\s", before + "1")


def _last(text: str) -> Found:
    """The last formula or number of the last line that has one."""
    for at, line in enumerate(reversed(text.strip().splitlines()[-50:])):
        line = line[-2000:]
        claimed = at == 0 and _is_claimed(line)
        math = [m[m.lastgroup or 0] for m in _MATH.finditer(line)]
        math = [m.rpartition("=")[2] if m.count("=") > 1 else m for m in math]
        if math and math[-1].strip():
            return Found(math[-1].strip(), "math" if claimed else "unclaimed")
        tail = re.split(r"=|≈|≃|:(?!\d)", line)[-1].strip().rstrip(".")
        if tail != line.strip().rstrip(".") and tail and _is_bare(tail):
            unfinished = re.search(r"[\d)]\s*[-+*×·÷]\s*[$€£(]*\d", tail)
            return Found(tail, "unclaimed" if unfinished or not claimed else "number")
        found = _NUMBER.findall(line)
        if found:
            return Found(found[-1].strip(), "number" if claimed else "unclaimed")
    if text.strip():
        return Found(text.strip(), "unclaimed")
    return Found(None, "none")

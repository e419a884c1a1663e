"""The checks of IFEval (arXiv 2311.07911, table 3), each a function of the response's text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*(?:\s+|$)|[。！？]+")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|[A-Z])\.$")
_SCRIPTS: dict[str, str] = {
    "ar": "\u0600-\u06ff", "fa": "\u0600-\u06ff", "ur": "\u0600-\u06ff",
    "ru": "\u0400-\u04ff", "bg": "\u0400-\u04ff", "uk": "\u0400-\u04ff",
    "hi": "\u0900-\u097f", "mr": "\u0900-\u097f", "ne": "\u0900-\u097f",
    "bn": "\u0980-\u09ff", "pa": "\u0a00-\u0a7f", "gu": "\u0a80-\u0aff", "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f", "kn": "\u0c80-\u0cff", "th": "\u0e00-\u0e7f",
    "ko": "\uac00-\ud7af", "ja": "\u3040-\u30ff\u4e00-\u9fff", "zh": "\u4e00-\u9fff",
    "el": "\u0370-\u03ff", "he": "\u0590-\u05ff",
}  # fmt: skip
"""Scripts; languages that share one can't be told apart here."""
_FUNCTION_WORDS: dict[str, frozenset[str]] = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the of and to in is that it for was on are with as this be have not you from",
        "de": "der die und das ist nicht ein eine zu den mit von auf für im sich dem es auch sind",
        "fr": "le la les et des est une un que dans pour pas du sur il elle qui au ce avec",
        "es": "el la los las de que y en un una es por con para no se lo del su como",
        "it": "il la di che e un una è per non sono con del della le gli si da come più",
        "pt": "o a os as de que e em um uma é para não com do da por se dos mais",
        "nl": "de het een en van is dat in niet op te zijn met voor aan er maar om ook als",
        "sv": "och att det i en som är på för med av den till inte ett har jag de om så",
        "fi": "ja on ei se että hän oli mutta kun niin ovat myös tai joka mitä olen sen ole kuin",
        "vi": "và của là có không cho một những được trong với các người này để đã khi",
        "sw": "na ya wa kwa ni katika za la kuwa hii hiyo kama lakini yake hayo",
        "tr": "ve bir bu için ile de da olarak çok daha olan gibi ne ama kadar değil",
        "pl": "i w na nie się z do to że jest o jak po co tak za od ale przez",
    }.items()
}


class Unknown(ValueError):
    """A language that these checks can't tell."""


def compares(count: int, relation: str, wanted: int) -> bool:
    """IFEval's two relations."""
    if relation == "at least":
        return count >= wanted
    if relation == "less than":
        return count < wanted
    raise ValueError(f"no relation {relation!r}")


def occurrences(text: str, word: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE))


def sentences(text: str) -> int:
    """Sentences by their stops, those of abbreviations and initials left out."""
    count, start = 0, 0
    for end in _SENTENCE_END.finditer(text):
        part = text[start : end.end()].rstrip()
        if _ABBREVIATION.search(part):
            continue
        count += bool(_WORD.search(part))
        start = end.end()
    return count + bool(_WORD.search(text[start:]))


def paragraphs(text: str, mark: str = r"\s?\*\*\*\s?") -> list[str]:
    return [part.strip() for part in re.split(mark, text) if part.strip()]


def existence(text: str, keywords: list[str]) -> bool:
    return all(occurrences(text, word) for word in keywords)


def frequency(text: str, keyword: str, frequency: int, relation: str) -> bool:
    return compares(occurrences(text, keyword), relation, frequency)


def forbidden(text: str, forbidden_words: list[str]) -> bool:
    return not any(occurrences(text, word) for word in forbidden_words)


def letters(text: str, letter: str, let_frequency: int, let_relation: str) -> bool:
    return compares(text.lower().count(letter.lower()), let_relation, let_frequency)


def language(text: str, language: str) -> bool:
    """By script, or by function words for languages in Latin letters."""
    code = language.split("-")[0]
    alphabetic = [char for char in text if char.isalpha()]
    if code in _SCRIPTS:
        inside = re.findall(f"[{_SCRIPTS[code]}]", text)
        kana = bool(re.search("[\u3040-\u30ff]", text))
        return 2 * len(inside) > len(alphabetic) and (
            code not in ("ja", "zh") or kana == (code == "ja")
        )
    if code not in _FUNCTION_WORDS:
        raise Unknown(code)
    words = [word.lower() for word in _WORD.findall(text)]
    counts = {name: sum(w in known for w in words) for name, known in _FUNCTION_WORDS.items()}
    return counts[code] > 0 and counts[code] == max(counts.values())


def number_words(text: str, num_words: int, relation: str) -> bool:
    return compares(len(re.findall(r"\w+", text)), relation, num_words)


def number_sentences(text: str, num_sentences: int, relation: str) -> bool:
    return compares(sentences(text), relation, num_sentences)


def number_paragraphs(text: str, num_paragraphs: int) -> bool:
    """An empty part breaks it, but for one before the first mark or after the last."""
    parts = [part.strip() for part in re.split(r"\s?\*\*\*\s?", text)]
    return all(parts[1:-1]) and sum(map(bool, parts)) == num_paragraphs


def first_word(text: str, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    found = paragraphs(text, r"\n\n")
    if len(found) != num_paragraphs or not 1 <= nth_paragraph <= len(found):
        return False
    first = _WORD.search(found[nth_paragraph - 1])
    return first is not None and first.group().lower() == first_word.strip().lower()


def placeholders(text: str, num_placeholders: int) -> bool:
    return len(re.findall(r"\[[^\n]*?\]", text)) >= num_placeholders


def postscript(text: str, postscript_marker: str) -> bool:
    """Anywhere in the text, in bold and in mid-line too, as the reference has it."""
    marker = re.escape(postscript_marker.strip()).replace(r"\.", r"\.\s?")
    return bool(re.search(marker, text, re.IGNORECASE))


def bullets(text: str, num_bullets: int) -> bool:
    return len(re.findall(r"^[ \t]*(?:\*(?!\*)|-)[ \t]*\S", text, re.MULTILINE)) == num_bullets


def constrained(text: str) -> bool:
    options = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
    return any(option in text for option in options)


def highlights(text: str, num_highlights: int) -> bool:
    found = re.findall(r"\*\*([^\n*]+)\*\*|\*([^\n*]+)\*", text)
    return sum(bool((a or b).strip()) for a, b in found) >= num_highlights


def sections(text: str, section_spliter: str, num_sections: int) -> bool:
    mark = rf"\s?{re.escape(section_spliter.strip())}\s?\d+\s?"
    return len(re.split(mark, text)) - 1 >= num_sections


def json_format(text: str) -> bool:
    body = re.sub(r"^```(?:json)?\s*|\s*```$", "", text.strip(), flags=re.IGNORECASE)
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def title(text: str) -> bool:
    return any(name.strip() for name in re.findall(r"<<([^\n<>]+)>>", text))


def two_responses(text: str) -> bool:
    parts = text.split("******")
    kept = [p.strip() for n, p in enumerate(parts) if p.strip() or 0 < n < len(parts) - 1]
    return len(kept) == 2 and all(kept) and kept[0] != kept[1]


def repeat_prompt(text: str, prompt_to_repeat: str) -> bool:
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


def ends_with(text: str, end_phrase: str) -> bool:
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def capital_words(text: str, capital_frequency: int, capital_relation: str) -> bool:
    return compares(
        sum(w.isupper() for w in _WORD.findall(text)), capital_relation, capital_frequency
    )


def all_capitals(text: str) -> bool:
    return text.isupper() and language(text, "en")


def all_lower(text: str) -> bool:
    return text.islower() and language(text, "en")


def no_comma(text: str) -> bool:
    return "," not in text


def quotation(text: str) -> bool:
    said = text.strip()
    return len(said) > 1 and said[0] == '"' and said[-1] == '"'


CHECKS: dict[str, Callable[..., bool]] = {
    "keywords:existence": existence,
    "keywords:frequency": frequency,
    "keywords:forbidden_words": forbidden,
    "keywords:letter_frequency": letters,
    "language:response_language": language,
    "length_constraints:number_words": number_words,
    "length_constraints:number_sentences": number_sentences,
    "length_constraints:number_paragraphs": number_paragraphs,
    "length_constraints:nth_paragraph_first_word": first_word,
    "detectable_content:number_placeholders": placeholders,
    "detectable_content:postscript": postscript,
    "detectable_format:number_bullet_lists": bullets,
    "detectable_format:constrained_response": constrained,
    "detectable_format:number_highlighted_sections": highlights,
    "detectable_format:multiple_sections": sections,
    "detectable_format:json_format": json_format,
    "detectable_format:title": title,
    "combination:two_responses": two_responses,
    "combination:repeat_prompt": repeat_prompt,
    "startend:end_checker": ends_with,
    "startend:quotation": quotation,
    "change_case:capital_word_frequency": capital_words,
    "change_case:english_capital": all_capitals,
    "change_case:english_lowercase": all_lower,
    "punctuation:no_comma": no_comma,
}
"""By IFEval's id of the instruction."""

"""Multiple choice: a letter, an option's text, or both, resolved to one option."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from thoughtmill.tasks.answers.compare import compare
from thoughtmill.tasks.answers.extract import visible
from thoughtmill.tasks.verifiers.exact import plain_evidence, refused
from thoughtmill.tasks.verifiers.verifier import Claim, ClaimKind, Evidence, Opinion, Verifier

_LETTER = re.compile(
    r"^(?:\\text(?:bf)?\{)?\s*(?:option|choice|answer)?\s*\(?\s*([A-Za-z])\s*(?:[).:}]\s*|$)(.*)$",
    re.DOTALL | re.IGNORECASE,
)
_OTHER = re.compile(r"(?:^|(?<=[\s(,/&]))([A-Z])(?=[).:,]|$)")


class MultipleChoice(Verifier):
    """Whether gold and answer name the same option, by letter or by what the option says."""

    version: ClassVar[int] = 3
    kinds: ClassVar[frozenset[ClaimKind]] = frozenset({"choice"})
    rank: ClassVar[int] = 10
    kind: Literal["multiple_choice"] = "multiple_choice"

    def evidence(self, claim: Claim) -> Evidence:
        evidence = plain_evidence(claim)
        said = _stated(claim.response) or evidence.answer
        return Evidence(evidence.gold, said, json.dumps(claim.choices))

    def opinion(self, evidence: Evidence) -> Opinion:
        refusal = refused(evidence)
        if refusal:
            return refusal
        choices: list[str] = json.loads(evidence.context)
        gold = option_of(evidence.gold or "", choices)
        answer = option_of(evidence.answer or "", choices)
        if gold is None:
            return Opinion("undecided", "gold_no_option")
        if answer is None:
            return Opinion("undecided", "no_option")
        same = gold == answer
        return Opinion(
            "correct" if same else "incorrect", "same_option" if same else "other_option"
        )


_MARKED = (
    re.compile(r"\\boxed\s*\{(?P<box>(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"),
    re.compile(r"<answer>(?P<tag>[^<]*)</answer>", re.IGNORECASE),
    re.compile(r"####\s*(?P<hash>\(?[A-J]\)?)(?=[\s.,:)]|$)"),
    re.compile(
        r"[\"'](?:final_)?(?:answer|choice|option)[\"']\s*:\s*[\"'](?P<json>[^\"'\n]+)[\"']",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:\banswer|答案|\bОтвет|\brespuesta|\bréponse|\bantwort|정답|答え)\W{0,6}(?:is|was|:|\uff1a|是|为|es|est|ist|은|は)?\W{0,8}"
        r"(?:option|choice|\\(?:text|mathrm|mathbf|textbf)\{)?\s*[\"“(\[*$]*(?P<phrase>[A-J])(?=[\s)\].,:;\"”*$}。/]|$)"
        r"(?P<rest>[^\n]{0,80})",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:pick|choose|select|settle\s+on|go\s+with|chose|prefer)\s+(?:for\s+)?(?:only\s+)?(?:option|choice|statement|answer)?"
        r"\s*[*(\[]*(?P<verb>[A-J])(?=[\s)\].,*]|$)",
    ),
    re.compile(
        r"\b(?:[Tt]herefore|[Hh]ence|[Ss]o|[Tt]hus),?\s+(?:only\s+)?(?:it\s+is\s+|it's\s+)?(?:(?:option|choice|statement)\s+)?"
        r"[*(\[]*(?P<so>[A-J])(?=[)\].*]|\s+(?:is|fits|holds)\b|$)"
    ),
    re.compile(r"\A\s*[*(\[]*(?P<only>[A-Z])[)\]*.]*\s*\Z"),
)
_TWO = re.compile(r"^\W{0,3}\s*(?:or|and|/|&)\s*[(*]*[A-J]\b|^/\s*[A-J]\b")


def _stated(response: str) -> str | None:
    """The last thing in a response that is marked as its choice; None where nothing is."""
    text = visible(response)
    if text is None:
        return None
    found = [match for pattern in _MARKED for match in pattern.finditer(text)]
    if not found:
        return None
    last = max(found, key=lambda match: match.start())
    kind = last.lastgroup or ""
    groups = last.groupdict()
    said: str = next(v for k, v in groups.items() if v is not None and k != "rest")
    if kind in ("rest", "phrase"):
        rest = groups.get("rest") or ""
        if said.islower() or _TWO.match(rest):
            return None
        if re.match(r"[)\].:]\s*\w", rest):
            return f"{said}{rest}".rstrip(". ")
    return said


def option_of(text: str, choices: Sequence[str]) -> int | None:
    """The number of the option that `text` names; None for none, several, or a contradiction.

    An option's whole text goes before a letter: among the options `B`, `A` the answer `A` is the
    second.
    """
    said = clean_style(text.strip().strip("*$").strip()).strip('[]*$"“” ')
    exact = [n for n, choice in enumerate(choices) if said in (choice.strip(), _bare(choice))]
    if len(exact) == 1:
        return exact[0]
    letter = _LETTER.match(said)
    if letter:
        named = ord(letter[1].upper()) - ord("A")
        rest = letter[2].strip().strip("*$})").strip()
        if named < len(choices):
            if not rest:
                return named
            others = {ord(other) - ord("A") for other in _OTHER.findall(rest)} - {named}
            if any(other < len(choices) for other in others):
                return None  # `(A) or (B)`
            if compare(_bare(choices[named]), rest).equal:
                return named
            return None if _by_content(rest, choices) is not None else named
    return _by_content(said, choices)


def clean_style(text: str) -> str:
    """Without the commands and braces that only style a letter."""
    return re.sub(
        r"\\(?:text|textbf|mathrm|mathbf|boldsymbol|mathsf|textrm)\s*\{([^{}]*)\}",
        r"\1",
        re.sub(
            r"\\(?:text|textbf|mathrm|mathbf|boldsymbol|mathsf|textrm)\s*\{([^{}]*)\}", r"\1", text
        ),
    )


def _by_content(text: str, choices: Sequence[str]) -> int | None:
    same = [n for n, choice in enumerate(choices) if compare(_bare(choice), text).equal]
    return same[0] if len(same) == 1 else None


def _bare(choice: str) -> str:
    """An option without the letter some sources write before it."""
    return re.sub(r"^\(?[A-Z][).:]\s+|^\([A-Z]\)\s*", "", choice.strip()).strip()

"""What an expert thinks while reading a document: quotes from it, reasons, figures worked out.

A quote is written « like this »: with a space inside each mark the quoted words are cut into the
same tokens as in the document, and copying them is a thing a small model can learn.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from random import Random

from arithmetic import work
from documents import Fact

# Words behind a single space: only these keep their tokens when quoted.
WORD = re.compile(r"(?<=[^\s] )[^\s«»]{1,24}(?=\s|$)")
TRIM = ".,;:!?)(\"'"
LETTERS = re.compile(r"[^\W\d_]{5,}")
REASON = re.compile(r"(?<= )([^.,;:«»\n]{8,70}) because ([^.,;:«»\n]{8,70})(?=[.,;])")
CONDITION = re.compile(r"(?<= )If ([^.,;:«»\n]{8,70}), (?:then )?([^.,;:«»\n]{8,70})(?=[.;])")
SINCE = re.compile(r"(?<= )Since ([^.,;:«»\n]{8,70}), ([^.,;:«»\n]{8,70})(?=[.;])")
THEREFORE = re.compile(r"(?<= )([^.,;:«»\n]{8,70}), and therefore ([^.,;:«»\n]{8,70})(?=[.;])")

OPENINGS = (
    "« {s} » sets the scene.",
    "It starts out from « {s} ».",
    "The first thing to hold on to is « {s} ».",
    "Early on it says « {s} ».",
)
AT_MARK = (
    "At the mark the text goes on with « {s} ».",
    "I have read as far as « {s} ».",
    "Here, at « {s} », it is worth stopping.",
)
SPANS = (
    "« {s} » is where it gets difficult. In plain words it ties « {x} » to « {y} ».",
    "Then comes « {s} ». The load is on « {x} », and « {y} » only makes sense once that is clear.",
    "What does « {s} » really claim? That « {x} » has to do with « {y} ».",
    "« {s} »: here I would tell a newcomer what « {x} » means before saying anything of « {y} ».",
    "I would slow down at « {s} », since « {x} » and « {y} » are easy to mix up.",
    "Suppose « {s} » were not so. Then « {x} » would lose its point, and « {y} » with it.",
)
SHORT_SPANS = (
    "« {s} » needs a second look.",
    "The step to « {s} » is quick, perhaps too quick.",
    "Next is « {s} », which is easy enough.",
)
REPEATED = (
    "The word « {w} » keeps coming back, so much rests on it.",
    "« {w} » is named again and again; that is the subject.",
)
REASONS = (
    "« {effect} » rests on « {cause} »: take the cause away and the claim has no support.",
    "Why « {effect} »? The reason given is « {cause} ».",
    "The chain is: first « {cause} », and from that « {effect} ».",
)
CONDITIONS = (
    "« {effect} » is only promised under a condition, namely « {cause} ».",
    "Without « {cause} » nothing is said about « {effect} ».",
)
FACTS = (
    "« {quote} » leaves open {question}. {working}. So that is {result}.",
    "From « {quote} » I can work out {question}. {working}, which gives {result}.",
    "It does not say {question}, but « {quote} » is enough: {working}. The figure is {result}.",
)
CLOSINGS = (
    "To explain it simply: begin with « {x} », then show how « {y} » follows.",
    "What stays in mind is « {x} » together with « {y} ».",
    "If one thing is to be kept, it is « {x} », and after it « {y} ».",
)
REPLIES = (
    "In short, it is about « {x} ».",
    "The point to keep is « {x} ».",
    "Above all it explains « {x} » and « {y} ».",
)


@dataclass(frozen=True)
class Thought:
    """The thought, and the sentence that closes the turn after it."""

    text: str
    reply: str


@dataclass(frozen=True)
class Quotes:
    """The quotable words of a document, in order, with their places."""

    text: str
    words: tuple[re.Match[str], ...]

    @classmethod
    def of(cls, text: str) -> Quotes:
        found = WORD.finditer(text)
        return cls(text, tuple(m for m in found if m.group().strip(TRIM)))

    def span(self, rng: Random, low: float, high: float, length: int) -> str:
        """About `length` words that begin in this part (0 to 1) of the document.

        It begins at a longer word where one is near, and at the very spot when low is high.
        """
        first = int(len(self.words) * (low + (high - low) * rng.random()))
        first = min(first, len(self.words) - 1)
        if low < high:
            near = range(first, min(first + 6, len(self.words)))
            first = next((n for n in near if LETTERS.match(self.words[n].group())), first)
        last = first
        while last + 1 < len(self.words) and last - first + 1 < length:
            here, there = self.words[last], self.words[last + 1]
            if there.start() != here.end() + 1 or here.group()[-1] in ".?!":
                break
            last += 1
        return self.text[self.words[first].start() : self.words[last].end()].rstrip(TRIM)

    def long_span(self, rng: Random, low: float, high: float, length: int) -> str:
        """A span that is more than one word, if a few tries can find it."""
        for _ in range(4):
            found = self.span(rng, low, high, length)
            if " " in found:
                break
        return found

    def repeated(self) -> str | None:
        counts = Counter(m.group().strip(TRIM) for m in self.words)
        for word, count in counts.most_common(40):
            if count > 1 and len(word) > 4 and LETTERS.fullmatch(word):
                return word
        return None


def key_words(span: str) -> list[str]:
    """The longer words of a span that stand behind a space, in order."""
    return [w for w in (part.strip(TRIM) for part in span.split(" ")) if LETTERS.fullmatch(w)]


def about_span(rng: Random, span: str) -> str:
    long = key_words(span)
    if len(long) < 2 or rng.random() < 0.15:
        return rng.choice(SHORT_SPANS).format(s=span)
    x, y = sorted(rng.sample(range(len(long)), 2))
    return rng.choice(SPANS).format(s=span, x=long[x], y=long[y])


def about_fact(rng: Random, fact: Fact) -> str:
    working = work(fact.a, fact.op, fact.b)
    result = re.findall(r"\d+", working)[-1]
    return rng.choice(FACTS).format(
        quote=fact.quote, question=fact.question, working=working, result=result
    )


def arguments(rng: Random, text: str) -> list[tuple[int, str]]:
    """Remarks on the reasons and conditions that the text spells out, with their places."""
    found: list[tuple[int, str]] = []
    for match in REASON.finditer(text):
        line = rng.choice(REASONS).format(effect=match[1], cause=match[2])
        found.append((match.start(), line))
    for pattern in (SINCE, THEREFORE):
        for match in pattern.finditer(text):
            line = rng.choice(REASONS).format(cause=match[1], effect=match[2])
            found.append((match.start(), line))
    for match in CONDITION.finditer(text):
        line = rng.choice(CONDITIONS).format(cause=match[1], effect=match[2])
        found.append((match.start(), line))
    return found


def think(rng: Random, text: str, facts: tuple[Fact, ...] = (), mark: int | None = None) -> Thought:
    """An expert's thought about the text; `mark` is the place reached, counted in characters.

    Its length follows the text: a line or two for a light note, a worked line for each figure.
    """
    quotes = Quotes.of(text)
    if len(quotes.words) < 4:
        bare = " ".join(text.split())[:40]
        return Thought(f"There is only « {bare} » here, and nothing to work out.", "It is brief.")
    lines: list[str] = []
    low = 0.0
    if mark is None:
        pattern = rng.choice(OPENINGS)
        lines.append(pattern.format(s=quotes.long_span(rng, 0.0, 0.08, rng.randint(3, 8))))
    else:
        reached = sum(m.start() < mark for m in quotes.words)
        low = min(reached / len(quotes.words), 0.9)
        after = next((m.start() for m in quotes.words if m.start() >= mark), None)
        if after is not None:
            rest = Quotes(text, tuple(m for m in quotes.words if m.start() >= mark))
            lines.append(rng.choice(AT_MARK).format(s=rest.span(rng, 0.0, 0.0, rng.randint(4, 9))))
    word = quotes.repeated()
    if word and rng.random() < 0.5:
        lines.append(rng.choice(REPEATED).format(w=word))
    spots: list[tuple[int, str]] = []
    reasons = arguments(rng, text)
    for place, line in rng.sample(reasons, min(len(reasons), rng.randint(1, 3))):
        spots.append((place, line))
    for fact in facts[:6]:
        spots.append((text.find(fact.quote), about_fact(rng, fact)))
    wanted = min(6, 1 + len(quotes.words) // 60) - len(reasons) // 3
    if not facts or rng.random() < 0.4:
        for n in range(max(1, wanted)):
            share = (1 - low) / max(1, wanted)
            part = low + n * share
            span = quotes.long_span(rng, part, min(1.0, part + share), rng.randint(4, 9))
            spots.append((text.find(span), about_span(rng, span)))
    lines += [line for _, line in sorted(spots)]
    x, y = (quotes.span(rng, part, part + 0.4, rng.randint(1, 3)) for part in (0.0, 0.6))
    if rng.random() < 0.7:
        lines.append(rng.choice(CLOSINGS).format(x=x, y=y))
    joint = "\n" if rng.random() < 0.7 else " "
    return Thought(joint.join(lines), rng.choice(REPLIES).format(x=x, y=y))

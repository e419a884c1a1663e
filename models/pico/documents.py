"""Short documents on many topics, made up sentence by sentence, light and heavy with numbers.

Owns the texts, and for each text the facts that can be worked out from it. The demo runs on
these documents; the words come from domains.toml, and nothing else of ours is imported.

    python models/pico/documents.py --count 50
"""

from __future__ import annotations

import argparse
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random


@dataclass(frozen=True)
class Fact:
    """A figure the text leaves open: `quote` is in the text, a op b answers `question`."""

    quote: str
    question: str
    a: int
    op: str
    b: int


@dataclass(frozen=True)
class Document:
    text: str
    domain: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Domain:
    """Words of one subject. Actors act on things; processes cause effects."""

    name: str
    title: list[str]
    actors: list[str]
    things: list[str]
    places: list[str]
    verbs: list[str]
    processes: list[str]
    effects: list[str]
    terms: list[list[str]]


def domains() -> tuple[Domain, ...]:
    file = Path(__file__).with_name("domains.toml")
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["domain"]
    return tuple(Domain(**row) for row in rows)


DOMAINS = domains()
PLAIN = (
    "{Actor} came back to {place} twice and {verb} nothing new.",
    "It is easy to overlook {place}, and {actor} did so for years.",
    "At first {actor} {verb} only what lay near {place}.",
    "Nobody at {place} had expected {actor}.",
    "The rest of the day was quiet at {place}.",
    "Those who know {place} will not be surprised.",
    "What {actor} {verb} there is described below.",
    "Some of it had to be left at {place}.",
)
ARGUED = (
    "{Effect} because {cause}.",
    "Since {cause}, {effect}.",
    "If {cause}, then {effect}.",
    "{Cause}, and therefore {effect}.",
    "One might think that {effect} by chance, but {cause}.",
    "Although {cause}, it does not follow that {effect}.",
    "The surprising part is that {effect} even when {cause2}.",
    "{Effect} only as long as {cause}.",
)
DEFINED = (
    "{Term} is {meaning}.",
    "By {term} we mean {meaning}.",
    "The word for this is {term}, that is, {meaning}.",
)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def counted(rng: Random, domain: Domain, size: int) -> tuple[str, Fact]:
    """A sentence with two numbers and the figure that follows from them."""
    thing, other = rng.sample(domain.things, 2)
    place, elsewhere = rng.sample(domain.places, 2)
    actor, verb = rng.choice(domain.actors), rng.choice(domain.verbs)
    a, b, few = rng.randint(size // 4 + 2, size), rng.randint(2, size), rng.randint(2, 9)
    high, low = max(a, b) + 1, min(a, b)
    match rng.randrange(7):
        case 0:
            quote = f"{a} {thing} a day for {few} days"
            text = f"{actor} {verb} {quote}."
            return text, Fact(quote, f"how many {thing} that makes in all", a, "*", few)
        case 1:
            quote = f"rose from {low} to {high}"
            text = f"At {place} the number of {thing} {quote}."
            return text, Fact(quote, f"how large the rise in {thing} is", high, "-", low)
        case 2:
            quote = f"{a} {thing} came from {place} and {b} from {elsewhere}"
            return f"{quote}.", Fact(quote, f"how many {thing} came together", a, "+", b)
        case 3:
            quote = f"{a * few} {thing} were shared out evenly over {few} groups"
            text = f"In the end {quote}."
            return text, Fact(quote, f"how many {thing} each group got", a * few, "/", few)
        case 4:
            quote = f"{high} {thing} but only {low} {other}"
            text = f"{actor} {verb} {quote}."
            question = f"how many more {thing} than {other} there were"
            return text, Fact(quote, question, high, "-", low)
        case 5:
            quote = f"{few} rows with {a} {thing} in each row"
            text = f"There were {quote} at {place}."
            return text, Fact(quote, f"how many {thing} stood there", a, "*", few)
        case _:
            quote = f"fell from {high} to {low}"
            text = f"Within a season the {thing} at {place} {quote}."
            return text, Fact(quote, f"how many {thing} were lost", high, "-", low)


def plain(rng: Random, domain: Domain) -> str:
    cause, cause2 = rng.sample(domain.processes, 2)
    effect, actor = rng.choice(domain.effects), rng.choice(domain.actors)
    term, meaning = rng.choice(domain.terms)
    pattern = rng.choice(rng.choices((PLAIN, ARGUED, DEFINED), (4, 4, 1))[0])
    return pattern.format(
        actor=actor, Actor=capital(actor), cause=cause, Cause=capital(cause), cause2=cause2,
        effect=effect, Effect=capital(effect), term=term, Term=capital(term), meaning=meaning,
        place=rng.choice(domain.places), verb=rng.choice(domain.verbs),
    )  # fmt: skip


def compose(rng: Random, sentences: int, density: float) -> Document:
    """`sentences` sentences of one domain, a share `density` of them with numbers."""
    domain = rng.choice(DOMAINS)
    size = rng.choice((9, 30, 90, 90, 400))
    facts: list[Fact] = []
    written: list[str] = []
    for _ in range(sentences):
        if rng.random() < density:
            text, fact = counted(rng, domain, size)
            facts.append(fact)
            written.append(capital(text))
        else:
            tries = (plain(rng, domain) for _ in range(8))
            written.extend([new for new in tries if new not in written][:1])
    paragraphs: list[str] = []
    while written:
        cut = rng.randint(2, 6)
        paragraphs.append(" ".join(written[:cut]))
        written = written[cut:]
    body = rng.choice(("\n\n", "\n\n", "\n")).join(paragraphs)
    title = rng.choice(domain.title)
    layout = rng.choice(("{title}\n\n{body}", "{body}", "# {title}\n\n{body}", "{title}\n{body}"))
    return Document(layout.format(title=title, body=body), domain.name, tuple(facts))


def document(seed: int) -> Document:
    """The document of this seed: from a light note to a page full of figures."""
    rng = Random(f"pico document {seed}")
    sentences = rng.choice((3, 4, 5, 6, 8, 10, 14, 20))
    return compose(rng, sentences, rng.choice((0.0, 0.0, 0.15, 0.3, 0.5, 0.8)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Print short documents as JSON lines.")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    args = parser.parse_args()
    for seed in range(args.seed, args.seed + args.count):
        made = document(seed)
        print(json.dumps({"text": made.text, "domain": made.domain}))


if __name__ == "__main__":
    main()

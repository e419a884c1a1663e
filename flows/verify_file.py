"""`thoughtmill verify`: anyone's pairs of gold and response through the cascade, JSONL to JSONL."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import orjson
from pydantic import TypeAdapter, ValidationError

from schemas.errors import ConfigError
from tasks.verifiers import AnyVerifier, Cascade, Claim, Workers, settled
from tasks.verifiers.remote import RemoteVerifier

_BATCH = 2_000
_META = ("constraints", "tests", "reasoning_gym")
_VERIFIER: TypeAdapter[Any] = TypeAdapter(AnyVerifier)


class Pair(NamedTuple):
    """One line: the claim and whom to ask, or why it makes no claim."""

    id: Any
    claim: Claim | None
    cascade: Cascade
    flaw: str = ""


class Tally(NamedTuple):
    """How many lines came to which end."""

    correct: int
    incorrect: int
    undecided: int


def verify_file(path: str | Path, out: TextIO, *, workers: int | None = None) -> Tally:
    """Judge each line of a JSONL file (`-` is standard input) and write a row for each, in order.

    In: `gold` and `response`, optional `id`, `verifier` (a kind such as `exact`, or an object with
    its knobs), `problem`, `choices`, `constraints`.  Out: `id` (else the line's number from 1),
    `outcome`, `reason`, `verifier`, `score`.  A line that can't be read gives an `undecided` row.
    Raises `ConfigError` where the file can't be opened.
    """
    counts = {"correct": 0, "incorrect": 0, "undecided": 0}
    with ExitStack() as stack:
        lines = _lines(str(path), stack)
        pool = stack.enter_context(Workers(workers))
        numbered = ((n, line) for n, line in enumerate(lines, start=1) if line.strip())
        while batch := list(islice(numbered, _BATCH)):
            for row in _judged([_pair(number, line) for number, line in batch], pool):
                counts[row["outcome"]] += 1
                out.write(orjson.dumps(row).decode() + "\n")
            out.flush()
    return Tally(**counts)


def _lines(path: str, stack: ExitStack) -> Iterable[bytes]:
    if path == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(path).open("rb"))
    except OSError as exc:
        raise ConfigError(f"{path} can't be read: {exc.strerror}") from exc


def _judged(pairs: list[Pair], pool: Workers) -> Iterator[dict[str, Any]]:
    """A row for each pair, in order; pairs that ask the same verifier go together."""
    groups: dict[str, list[int]] = defaultdict(list)
    for n, pair in enumerate(pairs):
        if pair.claim is not None:
            groups[pair.cascade.model_dump_json()].append(n)
    rows = [_row(pair.id, "undecided", pair.flaw) for pair in pairs]
    for members in groups.values():
        claims = [claim for n in members if (claim := pairs[n].claim) is not None]
        found = pairs[members[0]].cascade.local(claims, pool)
        for n, verdicts in zip(members, found, strict=True):
            verdict = settled(verdicts)
            if verdict is None:
                rows[n] = _row(pairs[n].id, "undecided", "not_applicable")
            else:
                rows[n] = _row(
                    pairs[n].id, verdict.outcome, verdict.reason, verdict.verifier, verdict.score
                )
    yield from rows


def _row(
    id_: Any, outcome: str, reason: str, verifier: str | None = None, score: float | None = None
) -> dict[str, Any]:
    return {"id": id_, "outcome": outcome, "reason": reason, "verifier": verifier, "score": score}


def _pair(number: int, line: bytes) -> Pair:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return Pair(number, None, Cascade(), "bad_json")
    if not isinstance(row, dict):
        return Pair(number, None, Cascade(), "not_an_object")
    id_ = row.get("id", number)
    response, gold = row.get("response"), row.get("gold")
    if not isinstance(response, str):
        return Pair(id_, None, Cascade(), "no_response")
    if isinstance(gold, (dict, list, bool)):
        return Pair(id_, None, Cascade(), "bad_gold")
    choices = row.get("choices") or ()
    if not isinstance(choices, list | tuple) or not all(isinstance(c, str) for c in choices):
        return Pair(id_, None, Cascade(), "bad_choices")
    spec = row.get("verifier")
    cascade = Cascade() if spec is None else _cascade(orjson.dumps(spec))
    if isinstance(cascade, str):
        return Pair(id_, None, Cascade(), cascade)
    claim = Claim(
        trace_id=str(number),
        response=response,
        gold=None if gold is None else str(gold),
        problem=str(row.get("problem") or ""),
        choices=tuple(choices),
        meta=_meta(row),
    )
    return Pair(id_, claim, cascade)


@lru_cache(maxsize=1024)
def _cascade(spec: bytes) -> Cascade | str:
    """The cascade of one verifier, by its kind or with its knobs; else what is wrong with it."""
    wanted = orjson.loads(spec)
    try:
        verifier = _VERIFIER.validate_python(
            {"kind": wanted} if isinstance(wanted, str) else wanted
        )
    except ValidationError:
        return "unknown_verifier"
    if isinstance(verifier, RemoteVerifier):
        return "needs_teacher" if verifier.kind == "judge" else "needs_sandbox"
    return Cascade(tiers=(verifier,))


def _meta(row: Mapping[str, Any]) -> dict[str, str]:
    """What some verifiers need besides, as the JSON text it has in an item."""
    found = {}
    for key in _META:
        value = row.get(key)
        if value is not None:
            found[key] = value if isinstance(value, str) else orjson.dumps(value).decode()
    return found

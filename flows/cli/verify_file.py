"""`thoughtmill verify`: anyone's pairs of gold and response through the cascade, JSONL to JSONL."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import orjson
from pydantic import TypeAdapter, ValidationError

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Verdict
from thoughtmill.tasks.sandbox import BubblewrapSandbox
from thoughtmill.tasks.verification.sandbox import Programs, program_sandbox
from thoughtmill.tasks.verifiers import (
    AnyVerifier,
    Cascade,
    Claim,
    Execution,
    Helpers,
    Workers,
    settled,
)
from thoughtmill.tasks.verifiers.remote import RemoteVerifier

_BATCH = 500
_AT_ONCE = 8
"""Programs under way at a time."""
_SANDBOX = BubblewrapSandbox(preload=())
_LOCAL = Cascade()
_CODE = Cascade(tiers=(Execution(),))
_META = ("constraints", "tests", "reasoning_gym")
_READ = ("id", "gold", "response", "verifier", "problem", "choices", *_META)
_VERIFIER: TypeAdapter[Any] = TypeAdapter(AnyVerifier)


class Pair(NamedTuple):
    """One line: the claim and whom to ask, or why it makes no claim."""

    id: Any
    claim: Claim | None
    cascade: Cascade
    flaw: str = ""
    further: Mapping[str, Any] = {}
    """Columns of the line that are passed through."""


class Tally(NamedTuple):
    """How many lines came to which end."""

    correct: int
    incorrect: int
    undecided: int

    def lines(self, deciders: Mapping[str, int]) -> str:
        """For a person: how many came to which end, and which tier decided how many."""
        ends = ", ".join(f"{count} {name}" for name, count in self._asdict().items())
        by = "".join(f"\n  decided by {name}: {count}" for name, count in deciders.items())
        return f"{sum(self)} rows: {ends}{by}"


def verify_file(
    path: str | Path, out: TextIO, *, workers: int | None = None, summary: TextIO | None = None
) -> Tally:
    """Judge each line of a JSONL file (`-` is standard input) and write a row for each, in order.

    In: `gold` and `response`, optional `id`, `verifier` (a kind such as `exact`, or an object with
    its knobs), `problem`, `choices`, `constraints`, `tests`; code runs in the sandbox.  Out: `id`
    (else the line's number from 1), `outcome`, `reason`, `verifier`, `score`, and every further
    column as it came.  A line that can't be read gives an `undecided` row.  `summary` is told at
    the end what was decided by which tier.  Raises `ConfigError` where the file can't be opened.
    """
    counts = {"correct": 0, "incorrect": 0, "undecided": 0}
    deciders: Counter[str] = Counter()
    with ExitStack() as stack:
        lines = _lines(str(path), stack)
        pool = stack.enter_context(Workers(workers))
        numbered = ((n, line) for n, line in enumerate(lines, start=1) if line.strip())
        while batch := list(islice(numbered, _BATCH)):
            for row in _judged([_pair(number, line) for number, line in batch], pool):
                counts[row["outcome"]] += 1
                if row["outcome"] != "undecided":
                    deciders[row["verifier"]] += 1
                out.write(orjson.dumps(row).decode() + "\n")
                out.flush()
    tally = Tally(**counts)
    if summary is not None:
        print(tally.lines(dict(deciders.most_common())), file=summary)
    return tally


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
    rows = [_row(pair, "undecided", pair.flaw) for pair in pairs]
    for members in groups.values():
        claims = [claim for n in members if (claim := pairs[n].claim) is not None]
        cascade = pairs[members[0]].cascade
        found = _in_sandbox(cascade, claims, pool) if _runs_code(cascade) else None
        for n, verdicts in zip(members, found or cascade.local(claims, pool), strict=True):
            verdict = settled(verdicts)
            if verdict is None:
                rows[n] = _row(pairs[n], "undecided", "not_applicable")
            else:
                rows[n] = _row(
                    pairs[n], verdict.outcome, verdict.reason, verdict.verifier, verdict.score
                )
    yield from rows


def _runs_code(cascade: Cascade) -> bool:
    return any(isinstance(tier, Execution) for tier in cascade.tiers)


def _in_sandbox(cascade: Cascade, claims: list[Claim], pool: Workers) -> list[list[Verdict]]:
    """Verdicts on code; `no_sandbox` where bubblewrap is missing."""

    async def ask() -> list[list[Verdict]]:
        sandbox = program_sandbox(_SANDBOX)
        await sandbox.start()
        try:
            helpers = Helpers(run=Programs(sandbox), at_once=_AT_ONCE)
            return await cascade.verdicts(claims, pool, helpers)
        finally:
            await sandbox.close()

    if shutil.which(_SANDBOX.bwrap) is None:
        return asyncio.run(cascade.verdicts(claims, pool, Helpers()))
    return asyncio.run(ask())


def _row(
    pair: Pair, outcome: str, reason: str, verifier: str | None = None, score: float | None = None
) -> dict[str, Any]:
    made = {"outcome": outcome, "reason": reason, "verifier": verifier, "score": score}
    return {**pair.further, "id": pair.id, **made}


def _pair(number: int, line: bytes) -> Pair:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return Pair(number, None, _LOCAL, "bad_json")
    if not isinstance(row, dict):
        return Pair(number, None, _LOCAL, "not_an_object")
    id_ = row.get("id", number)
    further = {key: value for key, value in row.items() if key not in _READ}
    response, gold = row.get("response"), row.get("gold")
    if not isinstance(response, str):
        return Pair(id_, None, _LOCAL, "no_response", further)
    if isinstance(gold, (dict, list, bool)):
        return Pair(id_, None, _LOCAL, "bad_gold", further)
    choices = row.get("choices") or ()
    if not isinstance(choices, list | tuple) or not all(isinstance(c, str) for c in choices):
        return Pair(id_, None, _LOCAL, "bad_choices", further)
    spec = row.get("verifier")
    cascade = _LOCAL if spec is None else _cascade(orjson.dumps(spec))
    if isinstance(cascade, str):
        return Pair(id_, None, _LOCAL, cascade, further)
    claim = Claim(
        trace_id=str(number),
        response=response,
        gold=None if gold is None else str(gold),
        problem=str(row.get("problem") or ""),
        choices=tuple(choices),
        meta=_meta(row),
    )
    if spec is None and claim.kind == "code":
        cascade = _CODE
    return Pair(id_, claim, cascade, further=further)


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
    if isinstance(verifier, RemoteVerifier) and not isinstance(verifier, Execution):
        return "needs_teacher"
    return Cascade(tiers=(verifier,))


def _meta(row: Mapping[str, Any]) -> dict[str, str]:
    """What some verifiers need besides, as the JSON text it has in an item."""
    found = {}
    for key in _META:
        value = row.get(key)
        if value is not None:
            found[key] = value if isinstance(value, str) else orjson.dumps(value).decode()
    return found

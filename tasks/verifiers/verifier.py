"""What every verifier is: a frozen model that turns a claim into an opinion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, NamedTuple, get_args

import orjson
from pydantic import Field

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.rows import Item, Outcome, Segment, Trace

ClaimKind = Literal["plain", "unmarked", "choice", "constraints", "code", "gym"]
"""What a claim is held against: a gold answer, nothing, options, constraints, tests, a scorer."""
_KEYS: dict[str, ClaimKind] = {
    "reasoning_gym": "gym",
    "tests": "code",
    "constraints": "constraints",
}


class Opinion(NamedTuple):
    """What a verifier thinks; a time-out or a crash is `undecided`, never `incorrect`."""

    outcome: Outcome
    reason: str
    """A short snake_case noun."""
    score: float | None = None
    """From 0 to 1, where the verifier has degrees."""


@dataclass(frozen=True)
class Claim:
    """One response and all that a verifier may hold it against."""

    trace_id: str
    response: str
    gold: str | None = None
    problem: str = ""
    choices: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    """`Item.meta`: tests, constraints or a scorer's note, as JSON."""
    segments: tuple[Segment, ...] = ()
    """The trace without its token ids, for checks of how the answer was come by; else empty."""
    recipe: str = ""
    """Kind of the recipe that made the trace; empty for a bare pair."""

    @property
    def kind(self) -> ClaimKind:
        """The first that fits: a scorer of its own, tests, constraints, options, a gold answer."""
        for key, kind in _KEYS.items():
            if key in self.meta:
                return kind
        if not self.gold or not self.gold.strip():
            return "unmarked"
        return "choice" if self.choices else "plain"

    @property
    def alternatives(self) -> tuple[Claim, ...]:
        """This claim for each gold answer that the item accepts: itself where there is one."""
        if "golds" not in self.meta:
            return (self,)
        golds: list[str] = orjson.loads(self.meta["golds"])
        return tuple(replace(self, gold=gold) for gold in golds)

    @classmethod
    def of(cls, item: Item, trace: Trace) -> Claim:
        """The claim a trace makes about its item."""
        said = "".join(s.text for s in trace.segments if s.kind == "answer")
        return cls(
            trace_id=trace.trace_id,
            response=trace.answer or said,
            gold=item.reference,
            problem=item.text,
            choices=item.choices,
            meta=item.meta,
            segments=trace.segments,
            recipe=trace.provenance.recipe,
        )


class Evidence(NamedTuple):
    """All that an opinion hangs on; claims with the same evidence are judged once."""

    gold: str | None
    answer: str | None
    context: str = ""
    """Whatever else the verifier reads, as JSON."""


class Verifier(Frozen):
    """An opinion on claims of some kinds; `opinion` is a pure function of its evidence."""

    kind: str
    version: ClassVar[int] = 1
    """Raised when the same evidence gives another opinion than before."""
    kinds: ClassVar[frozenset[ClaimKind]] = frozenset({"plain"})
    """Kinds of claim it has a say on."""
    rank: ClassVar[int] = 0
    """Of two that decided, the verdict of the higher rank stands; costlier tiers rank higher."""
    graded: ClassVar[bool] = False
    """Whether its score grades the response; else a response is worth 1 or 0 by its outcome."""

    @property
    def name(self) -> str:
        """`kind@version`, and the knobs that are not at their defaults."""
        knobs = self.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
        return f"{self.kind}@{self.version}" + (orjson.dumps(knobs).decode() if knobs else "")

    def evidence(self, claim: Claim) -> Evidence:
        """The part of a claim that the opinion hangs on.  Cheap, never raises."""
        raise NotImplementedError

    def opinion(self, evidence: Evidence) -> Opinion:
        """The verifier's opinion."""
        raise NotImplementedError


class TraceCheck(Verifier):
    """A verdict on how an answer was come by, from the claim's `segments`, whatever the answer.

    It stands beside the cascade: every claim is checked, and no check closes a claim.
    """

    kinds: ClassVar[frozenset[ClaimKind]] = frozenset(get_args(ClaimKind))
    recipes: ClassVar[frozenset[str]] = frozenset()
    """Kinds of recipe whose traces it speaks on; all where empty."""

    def speaks_on(self, claim: Claim) -> bool:
        """Whether it has anything to say on a claim."""
        return claim.kind in self.kinds and (not self.recipes or claim.recipe in self.recipes)


class IsolatedVerifier(Verifier):
    """A verifier whose `opinion` may hang or eat memory: it is only called in worker processes."""

    timeout_s: float = Field(default=5.0, gt=0)
    """Seconds after which the worker is killed and the evidence is undecided."""

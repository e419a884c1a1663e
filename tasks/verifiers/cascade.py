"""Cheap tiers first; a costlier one only sees what the cheaper could not decide."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Verdict
from thoughtmill.tasks.verifiers.batch import opinions
from thoughtmill.tasks.verifiers.constraints import Constraints
from thoughtmill.tasks.verifiers.exact import Exact
from thoughtmill.tasks.verifiers.execution import Execution
from thoughtmill.tasks.verifiers.gym import ReasoningGym
from thoughtmill.tasks.verifiers.judge import Judge
from thoughtmill.tasks.verifiers.multiple_choice import MultipleChoice
from thoughtmill.tasks.verifiers.pool import Workers
from thoughtmill.tasks.verifiers.remote import Helpers, RemoteVerifier
from thoughtmill.tasks.verifiers.symbolic import Symbolic
from thoughtmill.tasks.verifiers.verifier import Claim, Evidence, Opinion, Verifier

AnyVerifier = Annotated[
    Exact | Symbolic | MultipleChoice | Constraints | ReasoningGym | Execution | Judge,
    Field(discriminator="kind"),
]
"""The table that configs choose from."""


class Cascade(Frozen):
    """Verifiers in the order they are asked.  Each has a say on its own kinds of claim only."""

    tiers: tuple[AnyVerifier, ...] = (
        Exact(),
        Symbolic(),
        MultipleChoice(),
        Constraints(),
        ReasoningGym(),
    )
    """From cheap to costly.  Not here: `execution` needs a sandbox, `judge` a teacher."""
    recheck: bool = False
    """Costlier tiers also look at what a cheaper one found incorrect; both verdicts are kept."""

    def local(self, claims: Sequence[Claim], workers: Workers) -> list[list[Verdict]]:
        """Verdicts of each claim, tier by tier, in the order of the claims.

        A pure function of the claims: same claims, same verdicts, but for `timeout` and `memory`.
        Raises `ConfigError` where a tier needs a helper: `verdicts` is for those.
        """
        state = _Asked(claims, self.recheck)
        for tier in self.tiers:
            if isinstance(tier, RemoteVerifier):
                raise ConfigError(f"verifier {tier.kind!r} can't run here: it asks a helper")
            state.tell(tier.name, opinions(tier, state.open(tier, tier.name), workers))
        return state.verdicts

    async def verdicts(
        self,
        claims: Sequence[Claim],
        workers: Workers,
        helpers: Helpers,
        known: Sequence[Mapping[str, Opinion]] = (),
    ) -> list[list[Verdict]]:
        """As `local`, with the tiers that ask a teacher or a sandbox.

        `known` are earlier opinions of each claim, by verifier: they count as told, so nobody is
        asked for them again and they are not among the verdicts.
        """
        state = _Asked(claims, self.recheck, known)
        for tier in self.tiers:
            name = signed(tier, helpers)
            waiting = state.open(tier, name)
            if isinstance(tier, RemoteVerifier):
                found = await _asked(tier, waiting, helpers)
            else:
                found = await asyncio.to_thread(opinions, tier, waiting, workers)
            state.tell(name, found)
        return state.verdicts


def signed(tier: Verifier, helpers: Helpers) -> str:
    """The name a tier's verdicts carry."""
    return tier.signed(helpers) if isinstance(tier, RemoteVerifier) else tier.name


def settled(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The verdict that stands: the last tier's that decided, else the last one; None of none."""
    decided = [verdict for verdict in verdicts if verdict.outcome != "undecided"]
    return next(reversed(decided or list(verdicts)), None)


class _Asked:
    """Who has been told what so far."""

    def __init__(
        self,
        claims: Sequence[Claim],
        recheck: bool,
        known: Sequence[Mapping[str, Opinion]] = (),
    ) -> None:
        self.verdicts: list[list[Verdict]] = [[] for _ in claims]
        self._claims = claims
        self._final = {"correct"} if recheck else {"correct", "incorrect"}
        self._known = known
        self._waiting = list(range(len(claims)))
        self._evidence: dict[int, tuple[Evidence, ...]] = {}

    def open(self, tier: Verifier, name: str) -> Iterable[Evidence]:
        """Evidence of the claims that this tier is to look at, each distinct one once."""
        self._recall(name)
        self._evidence = {
            n: tuple(tier.evidence(claim) for claim in self._claims[n].alternatives)
            for n in self._waiting
            if self._claims[n].kind in tier.kinds and not self._told(n, name)
        }
        return dict.fromkeys(one for several in self._evidence.values() for one in several)

    def tell(self, name: str, opinions: dict[Evidence, Opinion]) -> None:
        """Write down what a tier said; who has been decided waits no more."""
        closed = set()
        for n, several in self._evidence.items():
            opinion = _of_any([opinions[evidence] for evidence in several])
            verdict = Verdict(
                trace_id=self._claims[n].trace_id,
                verifier=name,
                outcome=opinion.outcome,
                reason=opinion.reason,
                score=opinion.score,
            )
            self.verdicts[n].append(verdict)
            if opinion.outcome in self._final:
                closed.add(n)
        self._waiting = [n for n in self._waiting if n not in closed]

    def _told(self, n: int, name: str) -> Opinion | None:
        return self._known[n].get(name) if self._known else None

    def _recall(self, name: str) -> None:
        """Who was decided by this tier in an earlier review waits no more."""
        self._waiting = [
            n
            for n in self._waiting
            if (told := self._told(n, name)) is None or told.outcome not in self._final
        ]


def _of_any(opinions: Sequence[Opinion]) -> Opinion:
    """The opinion on an answer that any of several golds would make right."""
    for outcome in ("correct", "undecided"):
        for opinion in opinions:
            if opinion.outcome == outcome:
                return opinion
    return opinions[0]


async def _asked(
    tier: RemoteVerifier, evidences: Iterable[Evidence], helpers: Helpers
) -> dict[Evidence, Opinion]:
    """What a tier's helpers say, a bounded number of questions at a time."""
    found: dict[Evidence, Opinion] = {}
    queue: Iterator[Evidence] = iter(list(evidences))

    async def work() -> None:
        for evidence in queue:
            found[evidence] = await tier.ask(evidence, helpers)

    async with asyncio.TaskGroup() as group:
        for _ in range(helpers.at_once):
            group.create_task(work())
    return found

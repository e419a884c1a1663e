"""What a review says of a batch of traces: verdicts, checks, scores and labels, as rows.

Answers are judged together, because grading repeats itself: many draws share one gold answer and
few distinct answers.  Nothing here knows of Ray or of files.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from thoughtmill.schemas.base import Row
from thoughtmill.schemas.claims import claim_of, without_private
from thoughtmill.schemas.errors import PromptTooLong, TeacherError
from thoughtmill.schemas.rows import GoldCheck, Item, Label, Score, Trace, Verdict
from thoughtmill.tasks.labels import TeacherLabeller
from thoughtmill.tasks.scores import ItemScorer, Scorer, TeacherScorer
from thoughtmill.tasks.teachers.protocol import Teacher
from thoughtmill.tasks.teachers.signature import signed as sign
from thoughtmill.tasks.verification.settings import VerifySettings
from thoughtmill.tasks.verifiers import Cascade, Claim, Helpers, Opinion, Workers, settled
from thoughtmill.tasks.verifiers.batch import opinions
from thoughtmill.tasks.verifiers.cascade import signed
from thoughtmill.tasks.verifiers.remote import RemoteVerifier
from thoughtmill.tasks.verifiers.verifier import TraceCheck

NO_VERIFIER = Opinion("undecided", "no_verifier")
UNANSWERED = ("teacher_error", "sandbox_failed")
"""Reasons of an opinion that its verifier's helper failed to give: it is asked again, not kept."""
NOBODY = "cascade@1"
"""Who signs for a claim that no tier speaks to."""


@dataclass(frozen=True)
class Known:
    """What the lake has of a trace already: none of it is said again."""

    verdicts: Mapping[str, Opinion] = field(default_factory=dict)
    scorers: frozenset[str] = frozenset()
    labellers: frozenset[str] = frozenset()


@dataclass
class Review:
    """What came of a batch."""

    verdicts: list[Verdict] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    """Traces by the verdict that stands; `no_claim` are those that claim no answer, `unanswered`
    are those of `unfinished`, `unscored` counts
    questions that do not fit the teacher's context."""
    unfinished: set[str] = field(default_factory=set)
    """Traces about which a teacher or a sandbox failed to answer: the next review asks again."""

    @property
    def rows(self) -> dict[str, Sequence[Row]]:
        """The rows by table."""
        return {"verdicts": self.verdicts, "scores": self.scores, "labels": self.labels}


class Reviewing:
    """A batch under way: `add` its traces one by one, then `finish`.

    Only what later steps need is kept of a trace: its claim, and the trace itself where a teacher
    is to be asked about it.
    """

    def __init__(self, settings: VerifySettings) -> None:
        self._settings = settings
        self._claims: list[Claim] = []
        self._judged: list[bool] = []
        self._known: list[Known] = []
        self._asked: list[tuple[Trace, Known]] = []
        self._review = Review()
        self._asks_teacher = any(isinstance(one, TeacherScorer) for one in settings.scores) or any(
            isinstance(one, TeacherLabeller) for one in settings.labels
        )

    def add(self, trace: Trace, item: Item, known: Known) -> None:
        """Take one trace in: what costs little is done at once.

        Its answer is judged where the trace claims one (`schemas.claims`): who was shown the gold,
        or thinks about a document, has not answered.
        """
        judged = claim_of(trace) == "answers"
        trace = without_private(trace)
        self._review.scores += cheap_scores(self._settings.scores, trace, item, known)
        for labeller in self._settings.labels:
            if not isinstance(labeller, TeacherLabeller) and labeller.name not in known.labellers:
                self._review.labels += labeller.labels(trace)
        shown = trace.segments if self._settings.checks else ()
        bare = tuple(segment.model_copy(update={"token_ids": ()}) for segment in shown)
        self._claims.append(replace(Claim.of(item, trace), segments=bare))
        self._known.append(known)
        self._judged.append(judged)
        if self._asks_teacher:
            self._asked.append((trace, known))

    async def finish(self, workers: Workers, helpers: Helpers) -> Review:
        """Judge all, and ask the teacher.  Raises `TeacherDown` where it is gone."""
        cascade = self._settings.cascade
        known = [one.verdicts for one in self._known]
        names = [signed(tier, helpers) for tier in cascade.tiers]
        asked = [n for n, judged in enumerate(self._judged) if judged]
        if len(asked) < len(self._claims):
            self._review.outcomes["no_claim"] = len(self._claims) - len(asked)
        claims = [self._claims[n] for n in asked]
        known = [known[n] for n in asked]
        found = await cascade.verdicts(claims, workers, helpers, known)
        for claim, new, before in zip(claims, found, known, strict=True):
            if any(verdict.reason in UNANSWERED for verdict in new):
                self._review.unfinished.add(claim.trace_id)
                self._review.verdicts += [v for v in new if v.reason not in UNANSWERED]
                continue
            standing = _standing(names, claim, new, before)
            if not new and standing.verifier == NOBODY and NOBODY not in before:
                new.append(standing)
            self._review.verdicts += new
            self._review.outcomes[standing.outcome] += 1
        for check in self._settings.checks:
            self._review.verdicts += await self._checked(check, workers)
        await self._ask_teacher(helpers)
        if self._review.unfinished:
            self._review.outcomes["unanswered"] = len(self._review.unfinished)
        return self._review

    async def _checked(self, check: TraceCheck, workers: Workers) -> list[Verdict]:
        asked = {
            n: check.evidence(claim)
            for n, claim in enumerate(self._claims)
            if check.speaks_on(claim) and check.name not in self._known[n].verdicts
        }
        told = await asyncio.to_thread(opinions, check, asked.values(), workers)
        return [
            _verdict(self._claims[n].trace_id, check.name, told[evidence])
            for n, evidence in asked.items()
        ]

    async def _ask_teacher(self, helpers: Helpers) -> None:
        teacher = helpers.teacher
        if teacher is None:
            return
        gate = asyncio.Semaphore(helpers.at_once)

        async def one(
            trace: Trace, rows: list[Any], question: Coroutine[Any, Any, Sequence[Any]]
        ) -> None:
            async with gate:
                try:
                    rows += await question
                except PromptTooLong:
                    self._review.outcomes["unscored"] += 1  # and so it will be next time
                except TeacherError:  # no answer to one question is no reason to lose the others
                    self._review.unfinished.add(trace.trace_id)

        async with asyncio.TaskGroup() as group:
            for trace, known in self._asked:
                for scorer in self._settings.scores:
                    if isinstance(scorer, TeacherScorer):
                        names = scorer.names(teacher.identity)
                        if not known.scorers.issuperset(names):
                            asked = scorer.ask(trace, teacher)
                            group.create_task(one(trace, self._review.scores, asked))
                for labeller in self._settings.labels:
                    if not isinstance(labeller, TeacherLabeller):
                        continue
                    name = sign(labeller.name, teacher.identity)
                    if name not in known.labellers:
                        told = _labelled(labeller, name, trace, teacher)
                        group.create_task(one(trace, self._review.labels, told))


def cheap_scores(
    scorers: Iterable[object], trace: Trace, item: Item, known: Known
) -> Iterable[Score]:
    """The scores that need no teacher."""
    for scorer in scorers:
        if isinstance(scorer, Scorer) and scorer.name not in known.scorers:
            yield scorer(trace)
        elif isinstance(scorer, ItemScorer) and scorer.name not in known.scorers:
            value = scorer.value(trace, item)
            if value is not None:
                yield Score(trace_id=trace.trace_id, scorer=scorer.name, value=value)


async def _labelled(
    labeller: TeacherLabeller, name: str, trace: Trace, teacher: Teacher
) -> Sequence[Label]:
    told = await labeller.ask(trace, teacher)
    return [label.model_copy(update={"labeller": name}) for label in told]


async def gold_checks(
    cascade: Cascade, items: Sequence[Item], workers: Workers, helpers: Helpers
) -> list[GoldCheck]:
    """What each item's verifiers say of its own gold answer: one row an item."""
    claims = [gold_claim(item) for item in items]
    found = await cascade.verdicts(claims, workers, helpers)
    checks = []
    for item, claim, verdicts in zip(items, claims, found, strict=True):
        standing = settled(verdicts) or _verdict(claim.trace_id, NOBODY, NO_VERIFIER)
        checks.append(
            GoldCheck(
                item_id=item.item_id,
                verifier=standing.verifier,
                outcome=standing.outcome,
                reason=standing.reason,
            )
        )
    return checks


def gold_claim(item: Item) -> Claim:
    """The claim of somebody who answers an item with its own gold, as a solver would write it."""
    gold = item.reference or ""
    claim = Claim(item.item_id, gold, item.reference, item.text, item.choices, item.meta)
    if claim.kind == "code":
        response = gold if "```" in gold else f"```python\n{gold}\n```"
    elif claim.kind == "constraints" or not gold.strip() or "\\boxed" in gold:
        response = gold
    else:
        response = f"\\boxed{{{gold}}}"
    return Claim(item.item_id, response, item.reference, item.text, item.choices, item.meta)


def without_teacher(cascade: Cascade) -> Cascade:
    """The cascade without its judge: a gold answer needs none to be compared with itself."""
    kept = tuple(t for t in cascade.tiers if not isinstance(t, RemoteVerifier) or t.kind != "judge")
    return cascade.model_copy(update={"tiers": kept})


def _standing(
    names: Sequence[str], claim: Claim, new: Sequence[Verdict], before: Mapping[str, Opinion]
) -> Verdict:
    """The verdict that stands after this review, those of earlier ones included."""
    fresh = {verdict.verifier: verdict for verdict in new}
    all_ = [
        fresh[name] if name in fresh else _verdict(claim.trace_id, name, before[name])
        for name in names
        if name in fresh or name in before
    ]
    return settled(all_) or _verdict(claim.trace_id, NOBODY, NO_VERIFIER)


def _verdict(trace_id: str, verifier: str, opinion: Opinion) -> Verdict:
    return Verdict(
        trace_id=trace_id,
        verifier=verifier,
        outcome=opinion.outcome,
        reason=opinion.reason,
        score=opinion.score,
    )

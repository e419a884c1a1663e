"""A stage under way: it lands shards in the lake, shows its progress and keeps the book of runs."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import httpx
import orjson
from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from pydantic import Field

from thoughtmill.schemas.base import Row
from thoughtmill.schemas.errors import BudgetSpent, RowsMissing, in_one_line
from thoughtmill.schemas.manifest import Manifest
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.schemas.teachers import Price
from thoughtmill.tasks.curation.stage import ScreenLane, stream_findings
from thoughtmill.tasks.grading.stage import Graded
from thoughtmill.tasks.recipes.context import FAILURES
from thoughtmill.tasks.runtime.cluster import ray_session
from thoughtmill.tasks.runtime.interrupt import Interrupt, graceful_interrupt
from thoughtmill.tasks.runtime.progress import StageProgress
from thoughtmill.tasks.verification.stage import ReviewJob, stream_reviews
from thoughtmill.warehouse.candidates import Candidates
from thoughtmill.warehouse.commit import Committer, newest_entry
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.plan import Plan
from thoughtmill.warehouse.runs import HEARTBEAT_S, begin_run, end_run, heartbeat

_JUDGED = frozenset({"reviewed", "gold_checks"})
"""Tables whose rows a shard's outcomes are about."""
_COUNTED = ("items", "traces", "drops", "reviewed", "gold_checks")
"""Tables whose rows are what a stage works on; rows of others come with them."""
_LEAST_FAILURES = 20
_WINDOW = 10_000
"""Latest draws among which failures are counted: of a longer plan the error budget is a rate."""
_ARTIFACT_EVERY_S = 5.0


class StageSummary(Row):
    """What a stage did."""

    stage: str
    run_id: str
    rows: dict[str, int]
    """Rows landed, by table."""
    drops: dict[str, int]
    """Drops landed, by reason."""
    outcomes: dict[str, int] = Field(default_factory=dict)
    """Reviewed traces, or checked golds, by outcome."""
    repeated: int = 0
    """Rows that were in the lake already."""
    pending: int = 0
    """Draws still to be done when the stage ended."""
    completion_tokens: int = 0
    cost: float = 0.0
    """What the tokens cost at the teacher's price; 0 where it is not given."""
    seconds: float
    stopped: bool = False
    """Whether it was asked to stop before its end."""
    graded: tuple[Graded, ...] = ()
    """How the items of a grading stand, by teacher."""

    def joined(self, other: StageSummary) -> StageSummary:
        """The figures of two stages of one run as those of one, such as two teachers' draws."""
        return self.model_copy(
            update={
                "rows": dict(Counter(self.rows) + Counter(other.rows)),
                "drops": dict(Counter(self.drops) + Counter(other.drops)),
                "outcomes": dict(Counter(self.outcomes) + Counter(other.outcomes)),
                "repeated": self.repeated + other.repeated,
                "pending": self.pending + other.pending,
                "completion_tokens": self.completion_tokens + other.completion_tokens,
                "cost": self.cost + other.cost,
                "seconds": self.seconds + other.seconds,
                "stopped": self.stopped or other.stopped,
                "graded": (*self.graded, *other.graded),
            }
        )


class Stage:
    """A stage under way: its lake, its progress and its figures."""

    def __init__(self, lake: Lake, run_id: str, stage: str, interrupt: Interrupt) -> None:
        self.lake, self.run_id, self.stage, self.interrupt = lake, run_id, stage, interrupt
        self._rows: dict[str, int] = {}
        self._repeated = 0
        self._progress = StageProgress(stage, total=None, unit="rows")
        self._past: list[StageProgress] = []
        self._artifact: UUID | None = None
        self._artifact_at = 0.0
        self._committer: Committer | None = None
        self._started = self._heartbeat_at = time.monotonic()
        self._failure: BudgetSpent | None = None
        self.graded: Graded | None = None

    def begin(
        self,
        *,
        total: int | None,
        unit: str,
        done_before: int = 0,
        label: str | None = None,
        waiting: str = "starting",
        price: Price | None = None,
    ) -> None:
        """Show the stage, or the part of it that `label` names; `total` rows are to come."""
        if self._committer is not None:
            self._past.append(self._progress)
        self._progress = StageProgress(
            label or self.stage, total=total, unit=unit, waiting=waiting, price=price
        )
        note = f"{total:,} {unit} to do" if total is not None else "reading"
        if done_before:
            note += f", {done_before:,} done before"
        with optional():
            made = create_progress_artifact(0.0, key=self.stage, description=note)
            self._artifact = made if isinstance(made, UUID) else None

    def land(
        self,
        shards: Iterator[Manifest | None],
        committer: Committer,
        *,
        error_budget: float | None = None,
        tokens: int | None = None,
    ) -> None:
        """Commit shards as they come.

        Past the error budget the workers are asked to stop, what is finished is committed, and
        `BudgetSpent` is raised.  Raises `RowsMissing` where the stage was not asked to stop, has
        not written its `tokens`, and rows of the plan did not come.
        """
        self._committer = committer
        budget = ErrorBudget(error_budget, committer.planned) if error_budget is not None else None
        with self._progress as progress:
            for manifest in shards:
                if manifest is None:
                    progress.tick()
                else:
                    landed = committer.commit(manifest)
                    for table, rows in landed.rows.items():
                        self._rows[table] = self._rows.get(table, 0) + rows
                    here = sum(landed.rows.get(table, 0) for table in _COUNTED)
                    self._repeated += sum(map(manifest.rows, _COUNTED)) - here + manifest.repeats
                    judged = landed.rows.keys() & _JUDGED or not landed.repeated
                    progress.add(
                        here,
                        tokens=manifest.completion_tokens,
                        prompt_tokens=manifest.prompt_tokens,
                        drops=manifest.drops if landed.rows.get("drops") else None,
                        outcomes=manifest.outcomes if judged else None,
                    )
                self._show()
                self._beat()
                if budget is not None and manifest is not None and self._failure is None:
                    self._failure = budget.add(manifest)
        if self._failure is not None:
            raise self._failure
        missing = committer.missing
        if missing and not self.interrupt.asked() and not self.spent(tokens):
            raise RowsMissing(
                f"{self.stage} ended with {missing:,} of {committer.planned:,} planned rows "
                "missing: run again, and only these are done"
            )

    def spent(self, tokens: int | None) -> bool:
        """Whether so many tokens have been written; never where null."""
        return tokens is not None and self._progress.tokens >= tokens

    def ending(self, tokens: int | None = None) -> Callable[[], bool]:
        """Tells whether to stop: when asked, past the error budget, or with `tokens` written."""
        return lambda: self.interrupt.asked() or self._failure is not None or self.spent(tokens)

    def review(self, job: ReviewJob, plan: Plan, *, unit: str) -> None:
        """Do what a plan of traces or items holds, and delete the plan."""
        self.begin(total=plan.pending, unit=unit, done_before=plan.wanted - plan.pending)
        committer = Committer(self.lake, self.run_id, job.lane, plan.pending, plan.since)
        try:
            if plan.pending:
                with ray_session(job.engine.ray_address):
                    url = self.lake.storage.url(plan.folder)
                    reviews = stream_reviews(job, url, stopping=self.ending())
                    self.land(reviews, committer, error_budget=job.engine.error_budget)
        finally:
            self.lake.storage.delete_folder(plan.folder)

    def screen(self, lane: ScreenLane, where: str) -> None:
        """Land what one screen objects to."""
        with Lake.open(self.lake.settings) as reader:
            candidates = Candidates.choose(
                reader,
                lane=lane.lane,
                screen=lane.name,
                where=where,
                before=lane.before,
                best=lane.screen.best,
            )
            fresh = candidates.fresh
            self.begin(
                total=fresh,
                unit="traces",
                done_before=candidates.count - fresh,
                label=lane.screen.kind,
            )
            since = newest_entry(self.lake)
            committer = Committer(self.lake, self.run_id, lane.lane, fresh, since)
            found = stream_findings(
                lane, candidates, self.lake.storage, self.run_id, stopping=self.interrupt.asked
            )
            self.land(found, committer)

    def summary(self) -> StageSummary:
        """The stage's figures so far."""
        committer = self._committer
        shown = [*self._past, self._progress]
        pending = committer.planned - committer.settled if committer else 0
        return StageSummary(
            stage=self.stage,
            run_id=self.run_id,
            rows=self._rows,
            drops=dict(self._progress.drops),
            outcomes=dict(sum((progress.outcomes for progress in shown), Counter())),
            repeated=self._repeated,
            pending=self.graded.unsettled if self.graded else pending,
            completion_tokens=self._progress.tokens,
            cost=round(self._progress.cost, 6),
            seconds=time.monotonic() - self._started,
            stopped=self.interrupt.asked(),
            graded=(self.graded,) if self.graded else (),
        )

    def _show(self) -> None:
        progress = self._progress
        if self._artifact is None or time.monotonic() - self._artifact_at < _ARTIFACT_EVERY_S:
            return
        self._artifact_at = time.monotonic()
        with optional():
            update_progress_artifact(self._artifact, self._share(), description=progress.note())

    def _beat(self) -> None:
        if time.monotonic() - self._heartbeat_at >= HEARTBEAT_S:
            self._heartbeat_at = time.monotonic()
            heartbeat(self.lake, self.run_id, stage=self.stage)

    def _share(self) -> float:
        """Per cent of the rows that are done."""
        rows, total = self._progress.rows, self._progress.total
        return min(100.0 * rows / total, 100.0) if total else 0.0

    def close(self, *, done: bool) -> None:
        """The last artifacts."""
        summary = self.summary()
        with optional():
            if self._artifact is not None:
                share = 100.0 if done else self._share()
                update_progress_artifact(self._artifact, share, description=self._progress.note())
            create_table_artifact(
                key=f"{self.stage}-summary",
                table=[{"figure": k, "value": str(v)} for k, v in summary.model_dump().items()],
            )


class ErrorBudget:
    """How many of the latest draws may fail: those of the last `_WINDOW`, or of a shorter plan."""

    def __init__(self, share: float, planned: int) -> None:
        self._share, self._planned = share, planned
        self._recent: deque[Counter[str]] = deque()
        self._sum: Counter[str] = Counter()

    def add(self, manifest: Manifest) -> BudgetSpent | None:
        """Count a shard; what to raise where the budget is spent."""
        slots = len(manifest.slots) + len(manifest.unfinished)
        failed = sum(manifest.drops.get(reason, 0) for reason in FAILURES)
        unanswered = manifest.outcomes.get("unanswered", 0)
        shard = Counter(rows=slots // 8, failed=failed, unanswered=unanswered)
        self._recent.append(shard)
        self._sum.update(shard)
        while self._sum["rows"] - self._recent[0]["rows"] >= _WINDOW:
            self._sum.subtract(self._recent.popleft())
        limit = max(_LEAST_FAILURES, self._share * min(self._planned, _WINDOW))
        rows, failed, unanswered = (self._sum[name] for name in ("rows", "failed", "unanswered"))
        if failed >= limit or (self._planned and failed == self._planned):
            return BudgetSpent(
                f"{failed:,} of the latest {rows:,} draws failed ({_counts(manifest.drops)} in the "
                'last shard): see `thoughtmill sql "FROM drop_reasons"`, mend the cause, then run '
                f"again with --set 'redo=[{','.join(FAILURES)}]'"
            )
        if unanswered >= limit or (self._planned and unanswered == self._planned):
            return BudgetSpent(
                f"no answer of the teacher or the sandbox about {unanswered:,} of the latest "
                f"{rows:,} traces: mend the cause, then run again; the answers that came are kept"
            )
        return None


def _counts(drops: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in drops.items()) or "none"


@contextmanager
def open_stage(
    settings: LakeSettings, run_id: str, name: str, stage: str, config: dict[str, Any]
) -> Iterator[Stage]:
    """Open the lake and keep the book of runs around a stage."""
    with graceful_interrupt() as interrupt, Lake.create(settings) as lake:
        begin_run(lake, run_id, name=name, stage=stage, config=orjson.dumps(config).decode())
        work = Stage(lake, run_id, stage, interrupt)
        state, reason = "failed", None
        try:
            yield work
            state = "stopped" if interrupt.asked() else "done"
        except BaseException as exc:
            reason = in_one_line(exc)
            raise
        finally:
            figures = work.summary().model_dump()
            end_run(lake, run_id, stage=stage, state=state, summary=figures, reason=reason)
            work.close(done=state == "done")


@contextmanager
def optional() -> Iterator[None]:
    """Artifacts are for show: an API that is gone must not cost a run."""
    with suppress(httpx.HTTPError, RuntimeError, ConnectionError):
        yield

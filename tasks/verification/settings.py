"""What a review does: who judges, what is scored and labelled, and which traces it looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.teachers import TeacherConfig
from thoughtmill.tasks.labels import AnyLabeller, TeacherLabeller
from thoughtmill.tasks.scores import (
    AnyReviewScorer,
    Repetition,
    Script,
    TeacherScorer,
    ThinkingLength,
)
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.verifiers import Cascade, Execution, Judge, Verifier
from thoughtmill.tasks.verifiers.checks import AnyCheck
from thoughtmill.warehouse.categories import Category

_BATCH_LOCAL = 2048
_BATCH_TEACHER = 256


class VerifySettings(Frozen):
    """A review of traces: verdicts, scores and labels."""

    cascade: Cascade = Cascade()
    """Verifiers of answers, from cheap to costly (`tiers`), and whether to `recheck`."""
    checks: tuple[AnyCheck, ...] = ()
    """Checks of how answers were come by; each looks at every trace."""
    scores: tuple[AnyReviewScorer, ...] = (Repetition(), ThinkingLength(), Script())
    """Scores taken of every trace; `likelihood` asks the teacher."""
    labels: tuple[AnyLabeller, ...] = ()
    """What stretches of a trace are."""
    teacher: TeacherConfig | None = None
    """Who judges, scores and labels; the path of a YAML file, or a teacher as in a run."""
    where: str = "true"
    """SQL predicate over the columns of the view `thoughts`: which traces to look at."""
    categories: dict[str, Category] = Field(default_factory=dict)
    """Thresholds by category, kept in the lake's table `categories`."""
    workers: int | None = Field(default=None, gt=0)
    """Actors side by side; where null, one a teacher or one for four cores of the cluster."""
    processes: int = Field(default=4, gt=0)
    """Verifier processes of each actor; never more than its machine has cores."""
    batch_size: int | None = Field(default=None, gt=0)
    """Traces judged together, equal answers once; 2048 where null, 256 with a teacher."""
    at_once: int = Field(default=64, gt=0)
    """Questions each actor has under way at its teacher or sandbox."""

    @field_validator("teacher", mode="before")
    @classmethod
    def _teacher_file(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        import yaml

        try:
            return yaml.safe_load(Path(value).read_text())
        except (OSError, yaml.YAMLError) as exc:
            raise ConfigError(f"verify.teacher: {value} can't be read: {exc}") from exc

    @property
    def needs_sandbox(self) -> bool:
        return any(isinstance(tier, Execution) for tier in self.cascade.tiers)

    @property
    def needs_teacher(self) -> bool:
        return (
            any(isinstance(tier, Judge) for tier in self.cascade.tiers)
            or any(isinstance(scorer, TeacherScorer) for scorer in self.scores)
            or any(isinstance(labeller, TeacherLabeller) for labeller in self.labels)
        )

    @property
    def micro_batch(self) -> int:
        """Traces an actor is handed at a time."""
        return self.batch_size or (_BATCH_TEACHER if self.needs_teacher else _BATCH_LOCAL)

    def require_teacher(self) -> None:
        """Raise `ConfigError` where something asks a teacher and none is named."""
        if self.needs_teacher and self.teacher is None:
            raise ConfigError(
                "verify.teacher: missing; `judge`, `likelihood` and labellers that ask need one: "
                "add it, such as verify.teacher=configs/teachers/pico.yaml"
            )

    @property
    def lane(self) -> str:
        """What traces are reviewed under: the same opinions by the same teacher, once each."""
        self.require_teacher()
        verifiers: tuple[Verifier, ...] = (*self.cascade.tiers, *self.checks)
        said_by = [one.name for one in (*verifiers, *self.scores, *self.labels)]
        who = None
        if self.needs_teacher and self.teacher is not None:
            teacher = identify(self.teacher)
            who = [teacher.name, teacher.revision, teacher.behaviour]
        return f"review/{content_hash('review', said_by, self.cascade.recheck, who)}"

    @property
    def tiers(self) -> dict[str, tuple[int, bool]]:
        """Rank and `graded` of each verifier of answers, by kind."""
        return {tier.kind: (tier.rank, tier.graded) for tier in self.cascade.tiers}

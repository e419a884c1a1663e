"""What adaptive grading is asked for: bands, the most draws an item, an error rate, a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from thoughtmill.schemas.base import Frozen
from thoughtmill.tasks.verifiers import Cascade
from thoughtmill.tasks.verifiers.remote import RemoteVerifier

_ROUNDING = 1e-9

Positive = Annotated[float, Field(gt=0, le=100)]


class Band(Frozen):
    """A stretch of pass rates, from the end of the band before it."""

    name: str = Field(min_length=1)
    below: float | None = Field(default=None, gt=0, le=1)
    """It ends before this pass rate."""
    up_to: float | None = Field(default=None, ge=0, le=1)
    """It ends with this pass rate."""

    @property
    def end(self) -> tuple[float, bool]:
        """Where it ends, and whether that rate is in it; the last band has all that is left."""
        if self.below is not None:
            return self.below, False
        return (1.0 if self.up_to is None else self.up_to), True

    @model_validator(mode="after")
    def _one_end(self) -> Band:
        if self.below is not None and self.up_to is not None:
            raise ValueError(f"band {self.name!r}: give `below` or `up_to`, not both")
        return self


class Population(Frozen):
    """How pass rates are spread over the items: a Beta distribution."""

    a: Positive
    b: Positive


WIDE = (Population(a=1, b=1), Population(a=0.5, b=0.5), Population(a=0.3, b=0.3))
"""From all rates alike to most items never or always solved: what real sets lie between."""
MIDDLE = Population(a=0.5, b=0.5)


class GradeSettings(Frozen):
    """Grading in rounds: an item is drawn until its band is settled, at most `k` times.

    The band is the one that `k` draws would give.  The default bands, 0-4, 5-11 and 12-16 passes of
    16, are as fine as saves half of the draws; `python -m benchmarks.grading` prints what others
    save.
    """

    k: int = Field(default=16, ge=1, le=256)
    """Most draws an item, and the number that defines its band."""
    bands: tuple[Band, ...] = Field(
        default=(
            Band(name="hard", below=0.3),
            Band(name="medium", up_to=0.7),
            Band(name="easy"),
        ),
        min_length=2,
    )
    """Bands of the pass rate, from hard to easy."""
    alpha: float = Field(default=0.03, ge=0, lt=1)
    """Share of items, at most, whose band may differ from the one that all `k` draws would give."""
    population: Literal["any", "lake"] | Population = "any"
    """For which spread of pass rates `alpha` holds: each from uniform to Beta(0.3, 0.3), the one
    that fits what the lake has of this recipe and teacher, or a Beta distribution."""
    drops_count_as: Literal["incorrect", "undecided"] = "incorrect"
    """What a draw is that the teacher did not bring to an end.  Draws that failed by an error are
    undecided in any case; undecided draws count neither way."""
    give_up: int = Field(default=4, ge=1)
    """Undecided draws after which an item is left where none was decided: it can't be judged."""
    least_round: int = Field(default=1, ge=1)
    """Draws of a round at least: more of them make fewer rounds, some draws in vain."""
    tokens: int | None = Field(default=None, gt=0)
    """Tokens that a run may have written before it stops; no end where null."""
    cascade: Cascade = Cascade()
    """Verifiers of the answers; those that ask a teacher or a sandbox can't be among them."""

    @field_validator("cascade")
    @classmethod
    def _local(cls, cascade: Cascade) -> Cascade:
        for tier in cascade.tiers:
            if isinstance(tier, RemoteVerifier):
                raise ValueError(f"verifier {tier.kind!r} asks a helper and can't grade; remove it")
        return cascade

    @model_validator(mode="after")
    def _in_order(self) -> GradeSettings:
        ends = [band.end for band in self.bands]
        if ends != sorted(set(ends)):
            raise ValueError("bands must be in order, from low to high pass rates")
        if ends[-1] != (1.0, True):
            raise ValueError(f"the last band, {self.bands[-1].name!r}, must have no end")
        return self

    def band_of(self, passes: int, draws: int) -> int:
        """The band of a pass rate, counted from 0."""
        rate = passes / draws
        for number, band in enumerate(self.bands):
            end, inside = band.end
            if rate < end - _ROUNDING or (inside and rate < end + _ROUNDING):
                return number
        raise AssertionError("the last band has no end")

    def bands_of(self, draws: int) -> Sequence[int]:
        """The band of each number of passes, from none to `draws`."""
        return [self.band_of(passes, draws) for passes in range(draws + 1)]

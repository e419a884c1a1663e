"""What a mix is asked to be: components, weights, a budget and a seed.

It owns the wish, not the draw (`warehouse/mix/mix.py`) and not how rows are laid out (`publish`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from thoughtmill.schemas.base import Frozen

Stage = Literal["pretraining", "mid-training", "sft", "rl"]
Order = Literal["random", "best", "halving"]
Unit = Literal["tokens", "rows"]


class Cap(Frozen):
    """At most so much from each value of a column, such as a source or an item.

    The rows that come first in the component's order are kept.
    """

    by: str = "source"
    """SQL expression over the columns of `samples`, such as `source` or `item_id`."""
    rows: int | None = Field(default=None, gt=0)
    """Most rows of one value."""
    tokens: int | None = Field(default=None, gt=0)
    """Most tokens of one value, before repeats."""

    @model_validator(mode="after")
    def _one_limit(self) -> Cap:
        if (self.rows is None) == (self.tokens is None):
            raise ValueError("give either `rows` or `tokens`")
        return self


class Component(Frozen):
    """A part of a mix.  A row that fits several components belongs to the first of them."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """Short name: lower-case letters, digits, dashes and underscores."""
    where: str = "true"
    """SQL predicate over the columns of `samples`."""
    weight: float | None = Field(default=None, gt=0)
    """Share of the budget, relative to the other weights."""
    tokens: int | None = Field(default=None, gt=0)
    """Share of the budget in tokens (rows where `unit` is rows), in place of a weight."""
    epochs: float | None = Field(default=None, gt=0, le=100)
    """Most times a row may come up; the stage's where null."""
    order: Order = "random"
    """random; best: highest `by` first; halving: within each `within` the row of rank r by `by`,
    highest first, is drawn with weight 2^-r, the groups in turn (s1, arXiv 2501.19393, §2.2)."""
    by: str | None = None
    """SQL expression for `best` and `halving`; `thinking_tokens` for halving where null."""
    within: str = "domain"
    """SQL expression of the groups of `halving`."""
    caps: tuple[Cap, ...] | None = None
    """Limits per source, item or other column; the stage's where null."""

    @model_validator(mode="after")
    def _fits_together(self) -> Component:
        if (self.weight is None) == (self.tokens is None):
            raise ValueError(f"component {self.name!r}: give either `weight` or `tokens`")
        if self.order == "best" and self.by is None:
            raise ValueError(f"component {self.name!r}: order `best` needs `by`, such as pass_rate")
        if self.order == "random" and self.by is not None:
            raise ValueError(f"component {self.name!r}: `by` needs `order: best` or `halving`")
        return self


class StageDefaults(Frozen):
    """What a stage of training asks of its data where a mix does not say."""

    where: str
    epochs: float
    unit: Unit
    caps: tuple[Cap, ...] = ()


STAGES: dict[Stage, StageDefaults] = {
    # TPT (arXiv 2509.20186): thoughts that ended by themselves.  Repeats: up to four epochs are
    # worth almost as much as new data (Muennighoff et al., arXiv 2305.16264, §5).
    "pretraining": StageDefaults(where="finish_reason = 'stop'", epochs=4, unit="tokens"),
    # Our choice: as pretraining, without what was found wrong, and half the repeats.
    "mid-training": StageDefaults(
        where="finish_reason = 'stop' AND accepted IS DISTINCT FROM false",
        epochs=2,
        unit="tokens",
    ),
    # Accepted traces, each once: a fine-tuning run repeats the whole set by itself.
    "sft": StageDefaults(where="finish_reason = 'stop' AND accepted", epochs=1, unit="tokens"),
    # Problems neither always nor never solved: 1 to 15 passes of 16 (Skywork-OR1, arXiv 2505.22312,
    # §3); one row an item, for a prompt is counted, not its traces.
    "rl": StageDefaults(
        where="reference IS NOT NULL AND pass_rate > 0 AND pass_rate < 1",
        epochs=1,
        unit="rows",
        caps=(Cap(by="item_id", rows=1),),
    ),
}


class MixSettings(Frozen):
    """A reproducible selection of eligible traces by weights and a budget.

    Same lake snapshot and same settings give the same rows in the same order; a larger budget only
    adds rows at the end.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Short name of the mix: lower-case letters, digits and dashes."""
    stage: Stage = "sft"
    """pretraining, mid-training, sft or rl: the defaults of `where`, repeats, unit and caps."""
    where: str | None = None
    """SQL predicate over `samples` that every row must meet; the stage's where null."""
    budget: int | None = Field(default=None, gt=0)
    """Tokens (or rows) in all; the sum of the components' `tokens` where null."""
    unit: Unit | None = None
    """What budget and weights count; the stage's where null."""
    size: str | None = None
    """SQL expression over `samples` for the tokens of a row.  Where null: the tokens of the rows as
    they are published, where the export names a tokenizer, else the teacher's (`tokens`)."""
    seed: int = 0
    """Another seed is another random order."""
    shortfall: Literal["error", "fill"] = "error"
    """Where a component runs out before the budget is met: refuse, or let the others fill up."""
    components: tuple[Component, ...] = Field(min_length=1)
    """The parts, in the order in which they may claim a row."""

    @model_validator(mode="after")
    def _fits_together(self) -> MixSettings:
        names = [component.name for component in self.components]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two components are named {', '.join(sorted(twice))}")
        weighted = {component.weight is not None for component in self.components}
        if len(weighted) > 1:
            raise ValueError("components: give all of them a `weight`, or all of them `tokens`")
        if self.budget is None and weighted == {True}:
            raise ValueError("give a `budget`, or each component `tokens`")
        if self.budget is not None and weighted == {False}:
            raise ValueError("components with `tokens` make up the budget: remove `budget`")
        return self

    @property
    def total(self) -> int:
        """The whole budget, in `counted`."""
        return self.budget or sum(component.tokens or 0 for component in self.components)

    @property
    def defaults(self) -> StageDefaults:
        return STAGES[self.stage]

    @property
    def counted(self) -> Unit:
        """What budget and weights count."""
        return self.unit or self.defaults.unit

    def share(self, component: Component) -> float:
        """A component's share of the budget, from 0 to 1."""
        sizes = [float(c.weight or c.tokens or 0) for c in self.components]
        return float(component.weight or component.tokens or 0) / sum(sizes)

    def repeats(self, component: Component) -> float:
        """Most times a row of the component may come up."""
        return self.defaults.epochs if component.epochs is None else component.epochs

    def limits(self, component: Component) -> tuple[Cap, ...]:
        """The component's caps."""
        return self.defaults.caps if component.caps is None else component.caps

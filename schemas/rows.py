"""The rows of the lake.  The string under each field becomes its description in dataset cards."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from thoughtmill.schemas.base import Row as _Row


class Row(_Row):
    model_config = ConfigDict(use_attribute_docstrings=True)


SegmentKind = Literal["prompt", "hint", "think", "code", "output", "answer"]
FinishReason = Literal["stop", "length", "error"]
Outcome = Literal["correct", "incorrect", "undecided"]


class Item(Row):
    """One thing to reason about: a document, a problem, or one step of an episode."""

    item_id: str
    """Content hash of kind, text, reference, choices and images."""
    kind: Literal["document", "problem", "step"]
    """What the item is."""
    text: str
    """The document, or the statement of the problem."""
    reference: str | None = None
    """The gold answer or action, where there is one."""
    choices: tuple[str, ...] = ()
    """The options of a multiple-choice problem, in order."""
    images: tuple[str, ...] = ()
    """Content ids of the item's images, in order."""
    domain: str | None = None
    """Subject or origin used for counting and mixing."""
    source: str
    """Name of the source the item was read from."""
    meta: dict[str, str] = Field(default_factory=dict)
    """Further columns of the source, as text."""


class Segment(Row):
    """A stretch of a trace written by one author: the prompt, the teacher, a tool or a hint."""

    kind: SegmentKind
    """prompt, hint, think, code, output or answer."""
    text: str
    """The segment as text, without chat-template tags."""
    token_ids: tuple[int, ...] = ()
    """The token ids the teacher saw or wrote; empty where an endpoint does not tell."""
    trainable: bool
    """Whether a trainer puts loss on it."""


class Provenance(Row):
    """Where a trace came from, and what it cost."""

    run_id: str
    """Id of the run that produced it."""
    recipe: str
    """Kind of the recipe."""
    recipe_fingerprint: str
    """Hash of every knob of the recipe, prompt texts included."""
    teacher: str
    """Name of the model that wrote it."""
    teacher_revision: str
    """Commit or content hash of the model; empty where an endpoint does not tell."""
    teacher_fingerprint: str
    """Hash of model, revision and the merged sampling parameters."""
    sampling: str
    """The merged sampling parameters, as JSON."""
    seed: int
    """Seed of the first request."""
    requests: int
    """Requests made to the teacher."""
    prompt_tokens: int
    """Tokens read by the teacher, over all requests."""
    completion_tokens: int
    """Tokens written by the teacher, over all requests."""
    started_at: float
    """When the draw began, in seconds of Unix time."""
    seconds: float
    """Wall time from then to the last completion."""


class Trace(Row):
    """What a teacher made of one draw of one item."""

    trace_id: str
    """Hash of item, recipe fingerprint, teacher fingerprint and draw."""
    item_id: str
    """The item it reasons about."""
    draw: int
    """Number of the draw, from 0."""
    parent_trace_id: str | None = None
    """The trace this one was derived from, if any."""
    segments: tuple[Segment, ...]
    """The trace in order; token ids concatenate to what the teacher saw and wrote."""
    answer: str | None = None
    """The final answer, where the recipe asks for one."""
    finish_reason: FinishReason
    """Why the teacher stopped: stop, length or error."""
    provenance: Provenance
    """Where it came from and what it cost."""
    meta: dict[str, str] = Field(default_factory=dict)
    """Facts the recipe adds, such as the length of the document it showed."""


class Drop(Row):
    """An item or a draw that gave no trace, and why."""

    trace_id: str | None
    """The trace that did not come to be; null where no draw was reached."""
    item_id: str | None
    """The item; null where the source row did not make one."""
    draw: int | None
    """The draw; null where no draw was reached."""
    stage: Literal["ingest", "prompt", "generate", "recipe"]
    """Where it was dropped."""
    reason: str
    """A short snake_case noun; reasons are columns of the run report."""
    detail: str
    """What a person needs to find the cause: file and row number, lengths, the error."""
    run_id: str
    """The run that dropped it."""
    recipe_fingerprint: str | None = None
    """Fingerprint of the recipe, for a dropped draw."""
    teacher_fingerprint: str | None = None
    """Fingerprint of the teacher, for a dropped draw."""
    completion_tokens: int = 0
    """Tokens the teacher wrote before the draw was dropped."""


class Verdict(Row):
    """A verifier's opinion of a trace.  A broken or timed-out verifier is `undecided`."""

    trace_id: str
    """The trace."""
    verifier: str
    """Name and version of the verifier, such as `exact@1`."""
    outcome: Outcome
    """correct, incorrect or undecided."""
    reason: str
    """A short snake_case noun."""
    score: float | None = None
    """From 0 to 1, where the verifier has degrees."""


class Label(Row):
    """What a stretch of a trace is, in a labeller's opinion."""

    trace_id: str
    """The trace."""
    position: int
    """The segment, counted from 0."""
    labeller: str
    """Name and version of the labeller, such as `block_purpose@1`."""
    label: str
    """A short snake_case noun, such as `calculation`."""
    score: float | None = None
    """From 0 to 1, where the labeller has degrees: the share of a judge's votes."""


class Score(Row):
    """A number about a trace."""

    trace_id: str
    """The trace."""
    scorer: str
    """Name and version of the scorer, such as `repetition@1`."""
    value: float
    """The number; its range is the scorer's."""


class Exclusion(Row):
    """A screen's objection to a trace."""

    trace_id: str
    """The trace."""
    screen: str
    """Name and version of the screen, such as `near_duplicate@1`."""
    reason: str
    """A short snake_case noun."""
    detail: str = ""
    """What it is held against: the trace that is kept, the benchmark's row, the figure."""


class Reviewed(Row):
    """A trace that a review (verifiers, scorers, labellers with their knobs) has been through."""

    trace_id: str
    """The trace."""
    review: str
    """Lane of the review."""


class GoldCheck(Row):
    """What an item's own verifier says of its gold answer, before anything is generated."""

    item_id: str
    """The item."""
    verifier: str
    """Name and version of the verifier."""
    outcome: Outcome
    """correct, incorrect or undecided."""
    reason: str
    """A short snake_case noun."""


class Image(Row):
    """An image that items point at; its bytes lie once under the lake's data path."""

    image_id: str
    """Content hash of the bytes."""
    path: str
    """Where the bytes lie, relative to the lake's data path."""
    format: str
    """jpeg, png or webp."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""
    bytes: int
    """Size of the file."""

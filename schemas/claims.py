"""What a trace claims, and which of its segments may be published.

`warehouse/sql/views/public_texts.sql` says the same in SQL; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from thoughtmill.schemas.rows import Segment, Trace

TraceClaim = Literal["answers", "explains", "muses"]
"""The gold was unknown to the teacher; it was shown to it; no answer is claimed."""
CLAIM = "claim"
"""Key of `Trace.meta` under which a trace records its claim."""
_BY_RECIPE: Mapping[str, TraceClaim] = {"thinking": "muses", "annotate": "explains"}


def claim_of(trace: Trace) -> TraceClaim:
    """What a trace claims; by its recipe where it was made before claims were recorded."""
    recorded = trace.meta.get(CLAIM)
    for claim in get_args(TraceClaim):
        if claim == recorded:
            return claim  # type: ignore[no-any-return]
    return _BY_RECIPE.get(trace.provenance.recipe, "answers")


def private(segment: Segment) -> bool:
    """Whether a segment was written for nobody to read: a thought without loss."""
    return segment.kind == "think" and not segment.trainable


def without_private(trace: Trace) -> Trace:
    """The trace as scorers read it: without private thoughts, and without a prompt that names the
    gold."""
    told = claim_of(trace) == "explains"
    kept = [s for s in trace.segments if not private(s) and not (told and s.kind == "prompt")]
    if len(kept) == len(trace.segments):
        return trace
    return trace.model_copy(update={"segments": tuple(kept)})

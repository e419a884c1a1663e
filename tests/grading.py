"""Small reviewed lakes for tests: problems, draws at them, and what verifiers say of the draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.lakes import RECIPE, TEACHER, draws_shard, item, land_items, trace
from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.rows import Item, Segment, Trace, Verdict
from thoughtmill.warehouse.commit import Committer, newest_entry
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.shards import write_review

REVIEW = "review/one"


def problem(number: int, **fields) -> Item:
    text = fields.pop("text", f"{number} + 1 = ?")
    fields = {"domain": "maths", "reference": str(number + 1), **fields}
    return item(number, kind="problem", source="problems", text=text, **fields)


def attempt(
    of: Item, draw: int, answer: str = "7", *, teacher: str = TEACHER, name: str = "pico", **fields
) -> Trace:
    """A draw at a problem: a prompt, a thought and an answer."""
    base = trace(0)
    said = (
        Segment(kind="prompt", text=of.text, token_ids=(1, 2, 3), trainable=False),
        Segment(kind="think", text="Let me count.", token_ids=(4, 5), trainable=True),
        Segment(kind="answer", text=f"So \\boxed{{{answer}}}", token_ids=(6,), trainable=True),
    )
    provenance = base.provenance.model_copy(
        update={"teacher": name, "teacher_fingerprint": teacher, "recipe": "solve"}
    )
    values = {
        "trace_id": trace_id(of.item_id, RECIPE, teacher, draw),
        "item_id": of.item_id,
        "draw": draw,
        "segments": said,
        "answer": answer,
        "provenance": provenance,
    }
    return base.model_copy(update={**values, **fields})


def verdict(of: Trace, outcome: str, *, by: str = "exact@2", score: float | None = None) -> Verdict:
    return Verdict(trace_id=of.trace_id, verifier=by, outcome=outcome, reason="number", score=score)


def land(lake: Lake, items: Sequence[Item], traces: Sequence[Trace]) -> None:
    land_items(lake, items, source="problems")
    lane = Committer(lake, "run-1", "lane", len(traces), newest_entry(lake))
    lane.commit(draws_shard(lake.settings, traces, range(len(traces))))


def review(
    lake: Lake,
    traces: Sequence[Trace],
    verdicts: Sequence[Verdict],
    *,
    lane: str = REVIEW,
    run_id: str = "run-2",
    since: int | None = None,
) -> Mapping[str, int]:
    """Land a review as its actors and its driver do; the rows that landed, by table."""
    since = newest_entry(lake) if since is None else since
    shard = write_review(
        lake.storage,
        run_id=run_id,
        lane=lane,
        reviewed=[one.trace_id for one in traces],
        rows={"verdicts": verdicts},
        slots=range(len(traces)),
    )
    return Committer(lake, run_id, lane, len(traces), since).commit(shard).rows

from __future__ import annotations

from tests.dialogues import PROBLEM, played
from tests.grading import attempt, land, problem
from thoughtmill.schemas.rows import Label, Verdict
from thoughtmill.tasks.labels import BlockPurpose
from thoughtmill.warehouse.commit import Committer, newest_entry
from thoughtmill.warehouse.shards import write_review

CHECKS = ("no_code", "broken_pair", "answer_before_code", "leftover_distrust", "leftover_delayed")
DRAWN = played(
    "First.\n```python\n12 * 34\n```\n",
    "Check.\n```python\nassert 34 * 12 == 408\n```\n",
    "So.\n</think>\n\n\\boxed{408}",
    mode="prompt_hint",
)


def reviewed(lake, verdicts, labels, lane="review/code"):
    shard = write_review(
        lake.storage,
        run_id="run-2",
        lane=lane,
        reviewed=[DRAWN.trace_id],
        rows={"verdicts": verdicts, "labels": labels},
        slots=[0],
    )
    Committer(lake, "run-2", lane, 1, newest_entry(lake)).commit(shard)


def verdict(verifier: str, outcome: str) -> Verdict:
    return Verdict(trace_id=DRAWN.trace_id, verifier=verifier, outcome=outcome, reason="r")


def row(lake) -> dict:
    lake.connection.execute("FROM code_traces")
    names = [column[0] for column in lake.connection.description]
    (values,) = lake.rows("FROM code_traces")
    return dict(zip(names, values, strict=True))


def test_code_traces_when_a_trace_is_reviewed_then_all_that_was_said_is_in_one_row(lake):
    other = problem(0)
    land(lake, [PROBLEM.model_copy(update={"domain": "sums"}), other], [DRAWN, attempt(other, 0)])
    novelty = Label(
        trace_id=DRAWN.trace_id, position=3, labeller="block_novelty@1", label="novel", score=1.0
    )
    told = [verdict(f"{kind}@1", "correct") for kind in CHECKS[:4]]
    reviewed(
        lake,
        [*told, verdict("leftover_distrust@2", "incorrect"), verdict("exact@2", "correct")],
        [*BlockPurpose().labels(DRAWN), novelty],
    )
    made = row(lake)
    assert (made["trace_id"], made["mode"], made["domain"]) == (
        DRAWN.trace_id, "prompt_hint", "sums",
    )  # fmt: skip
    assert (made["outcome"], made["answer"]) == ("correct", "408")
    assert (made["blocks"], made["calculation_blocks"], made["verification_blocks"]) == (2, 1, 1)
    assert (made["novel_blocks"], made["significant_blocks"]) == (1, None)
    assert [made[kind] for kind in CHECKS] == [False, False, False, True, None]
    assert (made["hints"], made["hints_delayed"], made["code_calls"]) == (1, 0, 2)
    for kind in ("prompt", "hint", "think", "code", "output", "answer"):
        tokens = sum(len(s.token_ids) for s in DRAWN.segments if s.kind == kind)
        assert made[f"{kind}_tokens"] == tokens


def test_code_traces_when_nobody_has_reviewed_then_opinions_are_null_and_counts_are_there(lake):
    land(lake, [PROBLEM], [DRAWN])
    made = row(lake)
    assert made["outcome"] is None
    assert {made[kind] for kind in CHECKS} == {None}
    assert (made["blocks"], made["calculation_blocks"]) == (2, None)

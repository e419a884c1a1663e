"""Worker loop, inbox and driver in one process, on a line that breaks: every row exactly once."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
import ray
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ray.exceptions import ActorDiedError

from tests.faults import KINDS, FaultyInbox
from tests.lakes import item, settings_of
from tests.moods import Mood
from thoughtmill.schemas.arrow import to_table
from thoughtmill.schemas.errors import TeacherDown
from thoughtmill.schemas.manifest import Manifest
from thoughtmill.schemas.settings import EngineSettings
from thoughtmill.schemas.teachers import ScriptedTeacher
from thoughtmill.tasks.runtime.cluster import ray_session
from thoughtmill.tasks.runtime.inbox import InboxLost, Line, open_inbox
from thoughtmill.tasks.runtime.stream import manifests
from thoughtmill.tasks.synthesis.worker import Job, Worker, lane_of
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.warehouse.commit import Committer
from thoughtmill.warehouse.lake import Lake

ROWS = 60
BATCH = 12
ENGINE = EngineSettings(in_flight=8, batch_size=BATCH, shard_rows=10, flush_seconds=0.2)
MOOD = Mood(patience_s=0.001)


def manifest(name: str, slots: bytes = b"") -> Manifest:
    return Manifest(shard_id=name, run_id="run", lane="lane", files=(), slots=slots)


def batches(count: int = ROWS) -> list[pa.Table]:
    """A plan in micro-batches, as Ray Data hands them over."""
    items = to_table("items", [item(n, text=f"note {n}") for n in range(count)])
    slots = pa.array(range(count), pa.int64())
    plan = items.append_column("slot", slots).append_column("draw", pa.array([0] * count))
    return [plan.slice(start, BATCH) for start in range(0, count, BATCH)]


def run(
    lake: Lake,
    run_id: str,
    inbox: FaultyInbox,
    parts: list[pa.Table],
    seen: list[Manifest] | None = None,
) -> Committer:
    """Draw a plan with one worker, as a stage does; `seen` gets the manifests that arrive."""
    teacher = ScriptedTeacher()
    lane = lane_of(run_id, MOOD, identify(teacher))
    committer = Committer(lake, run_id, lane.name, ROWS)
    job = Job(lane, MOOD, teacher, (), ENGINE, lake.settings.data)

    def drive(_over) -> None:
        worker = Worker(job, inbox)

        async def all_at_once() -> None:
            await asyncio.gather(*(worker(part) for part in parts))

        try:
            asyncio.run(all_at_once())
        finally:
            worker.close()

    for arrived in manifests(inbox, drive, lambda: False):
        if arrived is not None:
            committer.commit(arrived)
            if seen is not None:
                seen.append(arrived)
    return committer


def _copy(template: Path, folder: str) -> Lake:
    return Lake.create(settings_of(shutil.copytree(template, folder, dirs_exist_ok=True)))


def landed(lake: Lake) -> tuple[int, int]:
    return lake.rows("SELECT count(*), count(DISTINCT trace_id) FROM traces")[0]


@settings(max_examples=6, deadline=None)
@given(st.lists(st.sampled_from(KINDS), max_size=40))
@example(["lost_call", "unavailable", "lost_reply"] * 2)
@example(list(KINDS) * 4)
def test_worker_when_calls_to_the_inbox_fail_then_every_row_lands_once(empty_template, schedule):
    with tempfile.TemporaryDirectory() as folder, _copy(empty_template, folder) as lake:
        inbox = FaultyInbox(schedule)
        committer = run(lake, "run", inbox, batches())
        inbox.close()
        assert (committer.settled, committer.missing) == (ROWS, 0)
        assert landed(lake) == (ROWS, ROWS)


def test_worker_when_a_micro_batch_comes_again_then_its_rows_are_drawn_once(lake):
    inbox = FaultyInbox([])
    parts = batches()
    repeated = [*parts, parts[0], parts[2], parts[0].slice(3)]
    arrived: list[Manifest] = []
    committer = run(lake, "run", inbox, repeated, arrived)
    assert committer.settled == ROWS
    assert sum(one.rows("traces") for one in arrived) == ROWS
    assert landed(lake) == (ROWS, ROWS)
    files = set(lake.storage.files())
    again = run(lake, "run", inbox, parts)  # a new worker at the same inbox: nothing to draw
    assert again.settled == 0
    assert set(lake.storage.files()) == files


def test_take_when_its_answer_is_lost_then_the_manifests_come_again_until_acknowledged():
    inbox = FaultyInbox([])
    line = Line(inbox)
    assert not line.call("put", manifest("a"), 0.0)
    for _ in range(2):
        assert [found.shard_id for found in line.call("take", 0.0, [], False).manifests] == ["a"]
    assert line.call("take", 0.0, ["a"], False).manifests == []
    assert line.call("put", manifest("a"), 0.0)  # a late double of what has landed
    assert line.call("take", 0.0, [], False).manifests == []


def test_call_when_no_answer_ever_comes_then_it_raises_after_its_patience():
    with pytest.raises(InboxLost, match="can't reach each other: the call never arrived"):
        Line(FaultyInbox(["lost_call"] * 99), patience_s=0.2).call("take", 0.0, [], False)


def test_call_when_an_answer_hangs_then_it_is_asked_again():
    inbox = FaultyInbox(["late"])
    assert Line(inbox, reply_s=0.01).call("boot", "w") == 1
    assert len(inbox.met) == 2


def test_over_when_a_worker_has_handed_in_then_only_the_others_are_waited_for():
    line = Line(FaultyInbox([]))
    for name in ("w1", "w2"):
        assert not line.call("beat", name, False, 0.0)
    assert not line.call("take", 0.0, [], True).over
    assert line.call("beat", "w1", True, 0.0)
    assert not line.call("take", 0.0, [], False).over
    line.call("beat", "w2", True, 0.0)
    line.call("beat", "w2", False, 0.0)  # an old heartbeat that comes late
    assert line.call("take", 0.0, [], False).over


def test_failure_when_two_workers_report_then_the_first_counts():
    line = Line(FaultyInbox([]))
    line.call("fail", TeacherDown("first"))
    line.call("fail", TeacherDown("second"))
    assert str(line.call("take", 0.0, [], False).failure) == "first"


@pytest.mark.engine
def test_inbox_when_it_is_an_actor_then_calls_return_and_its_death_is_told_at_once():
    with ray_session(None):
        inbox = open_inbox()
        line = Line(inbox)
        assert not line.call("put", manifest("a", bytes(8)), 0.0)
        assert line.call("announced", bytes(8)) == b"\x01"
        assert line.call("take", 0.0, ["a"], True).manifests == []
        assert asyncio.run(line.ask("beat", "w", False, 5.0))
        ray.kill(inbox)
        with pytest.raises(InboxLost) as lost:
            line.call("take", 0.0, [], False)
        assert isinstance(lost.value.__cause__, ActorDiedError)

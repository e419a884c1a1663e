"""The engine loop on a real Ray: slow, broken and stopped draws, each row once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.lakes import item, land_items
from tests.moods import Mood
from thoughtmill.schemas.errors import TeacherDown
from thoughtmill.schemas.settings import EngineSettings
from thoughtmill.schemas.teachers import ScriptedTeacher
from thoughtmill.tasks.runtime.cluster import ray_session
from thoughtmill.tasks.synthesis.stage import stream_draws
from thoughtmill.tasks.synthesis.worker import Job, lane_of
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.warehouse.commit import Committer
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.plan import plan_draws

pytestmark = pytest.mark.engine
ENGINE = EngineSettings(in_flight=8, batch_size=16, shard_rows=20, flush_seconds=0.5)


@pytest.fixture(scope="module", autouse=True)
def session() -> Iterator[None]:
    with ray_session(None):
        yield


def ask(lake: Lake, texts: Sequence[str]) -> None:
    land_items(lake, [item(number, text=text) for number, text in enumerate(texts)])


def draw(lake: Lake, engine: EngineSettings, *, shards: int | None = None, mood=Mood()) -> int:
    """Draw what is wanted, and stop after so many shards; how many rows landed."""
    teacher = ScriptedTeacher()
    lane = lane_of("run", mood, identify(teacher))
    plan = plan_draws(
        lake,
        "run",
        recipe_fingerprint=lane.recipe_fingerprint,
        teacher_fingerprint=lane.teacher_fingerprint,
        draws=1,
    )
    committer = Committer(lake, "run", lane.name, plan.pending, plan.since)
    landed: list[int] = []
    job = Job(lane, mood, teacher, (), engine, lake.settings.data)
    url = lake.storage.url(plan.folder)
    for manifest in stream_draws(job, url, plan.pending, stopping=lambda: len(landed) == shards):
        if manifest is not None:
            landed.append(sum(committer.commit(manifest).rows.values()))
    return sum(landed)


def test_worker_when_a_draw_is_stuck_or_broken_then_the_rest_goes_on_and_it_becomes_a_drop(lake):
    ask(lake, ["stuck", "tiring", *(f"note {n}" for n in range(150)), "broken here"])
    assert draw(lake, ENGINE.model_copy(update={"item_timeout_s": 8.0})) == 153
    drops = dict(lake.rows("SELECT reason, detail FROM drops"))
    assert drops.keys() == {"timeout", "recipe_error"}
    assert "no way to read 'broken here'" in drops["recipe_error"]
    ((traces, first, last),) = lake.rows(
        "SELECT count(DISTINCT item_id), min(provenance.started_at), "
        "max(provenance.started_at + provenance.seconds) FROM traces"
    )
    assert traces == 151  # of the tiring one, the attempt that was finished in time
    assert last - first < 8.0  # the stuck one held its place until then


def test_worker_when_asked_to_stop_then_what_is_finished_lands_and_a_rerun_does_the_rest(lake):
    ask(lake, [f"note {n}" for n in range(300)])
    slow = Mood(patience_s=0.2)
    first = draw(lake, ENGINE, shards=1, mood=slow)
    assert 0 < first < 300
    assert first + draw(lake, ENGINE, mood=slow) == 300
    assert lake.rows("SELECT count(*), count(DISTINCT trace_id) FROM traces") == [(300, 300)]


def test_worker_when_the_teacher_is_gone_then_the_run_fails_at_once_and_keeps_what_is_finished(
    lake,
):
    ask(lake, [f"note {n}" for n in range(100)] + ["down here"] + [f"more {n}" for n in range(500)])
    with pytest.raises(TeacherDown, match="nobody answers"):
        draw(lake, ENGINE)
    settled = lake.one("SELECT count(*) FROM traces")
    assert 20 <= settled < 600

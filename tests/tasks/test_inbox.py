"""The inbox on a real Ray: nothing that has arrived may be left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import ray

from schemas.errors import TeacherDown
from schemas.manifest import Manifest
from tasks.cluster import ray_session
from tasks.inbox import Inbox

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def session() -> Iterator[None]:
    with ray_session(None):
        yield


def manifest(name: str) -> Manifest:
    return Manifest(shard_id=name, run_id="run", lane="lane", files=())


def test_take_when_manifests_have_arrived_and_there_is_no_time_to_wait_then_gives_them() -> None:
    inbox = Inbox.remote()
    ray.get([inbox.put.remote(manifest("a")), inbox.put.remote(manifest("b"))])
    taken = ray.get(inbox.take.remote(0.0))
    assert {found.shard_id for found in taken} == {"a", "b"}
    assert ray.get(inbox.take.remote(0.0)) == []


def test_failure_when_two_workers_report_then_the_first_counts() -> None:
    inbox = Inbox.remote()
    ray.get(inbox.fail.remote(TeacherDown("first")))
    ray.get(inbox.fail.remote(TeacherDown("second")))
    assert str(ray.get(inbox.failure.remote())) == "first"


def test_stopped_when_the_run_is_asked_to_stop_then_returns() -> None:
    inbox = Inbox.remote()
    waiting = inbox.stopped.remote()
    assert ray.wait([waiting], timeout=0.5) == ([], [waiting])
    ray.get(inbox.stop.remote())
    assert ray.get(waiting, timeout=30) is None

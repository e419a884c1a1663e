from __future__ import annotations

import pytest
import ray

from thoughtmill.tasks.runtime.cluster import one_ray, ray_session

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


@ray.remote
def environment() -> dict[str, str]:
    import os

    return dict(os.environ)


def test_one_ray_when_stages_follow_each_other_then_share_it_and_it_ends_with_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # with GPUs each stage ends its own
    with one_ray():
        assert not ray.is_initialized()  # a run with nothing to do starts none
        with ray_session(None):
            first = ray.get_runtime_context().get_node_id()
        with ray_session(None):
            assert ray.get_runtime_context().get_node_id() == first
            found = ray.get(environment.remote())
            assert found["DO_NOT_TRACK"] == "1"
    assert not ray.is_initialized()

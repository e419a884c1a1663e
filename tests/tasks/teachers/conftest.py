from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.loopback import Loopback, loopback_server
from thoughtmill.schemas.teachers import EndpointTeacher
from thoughtmill.tasks.teachers.endpoint import Endpoint

PICO = "models/pico"


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A loopback server of this test's own."""
    with loopback_server() as running:
        yield running


@pytest.fixture
def build(server: Loopback) -> Callable[..., Endpoint]:
    """Makes a teacher of the server; keyword arguments are fields of its config."""

    def make(*, backoff_s: float = 0.01, **fields: object) -> Endpoint:
        config = {"model": server.model, "base_url": server.url, **fields}
        return Endpoint(EndpointTeacher.model_validate(config), backoff_s=backoff_s)

    return make

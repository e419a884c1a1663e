from __future__ import annotations

from collections.abc import Iterator

import pytest

from thoughtmill.tasks.verifiers import Workers


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Two worker processes for the whole session; tests that kill theirs get new ones."""
    with Workers(2) as pool:
        yield pool

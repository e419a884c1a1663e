from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.lakes import settings_of, small_lake
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.lake import Lake

# A machine that is busy is no failure.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session")
def empty_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates") / "empty"
    Lake.create(settings_of(folder)).connection.close()
    return folder


@pytest.fixture(scope="session")
def small_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates") / "small"
    small_lake(folder)
    return folder


@pytest.fixture(scope="session")
def reader(small_template: Path) -> Iterator[Lake]:
    """`small_lake`, open for reading, one for all tests: opening takes a third of a second."""
    with Lake.open(settings_of(small_template)) as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path, empty_template: Path) -> LakeSettings:
    """An empty lake of this test's own: a copy, because making one takes half a second."""
    return settings_of(shutil.copytree(empty_template, tmp_path / "lake"))


@pytest.fixture
def small(tmp_path: Path, small_template: Path) -> LakeSettings:
    """`small_lake` of this test's own."""
    return settings_of(shutil.copytree(small_template, tmp_path / "small"))


@pytest.fixture
def lake(settings: LakeSettings) -> Iterator[Lake]:
    """An empty lake, open for writing."""
    with Lake.create(settings) as opened:
        yield opened


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Poll a condition for at most a minute."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "it never came to be"

    return wait

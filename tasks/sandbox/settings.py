"""Settings of the sandbox: what a session may see, and how much of the machine it may take."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from thoughtmill.schemas.base import Frozen


class _Sandbox(Frozen):
    packages: tuple[str, ...] = ("numpy", "scipy", "sympy", "pandas")
    """Installed distributions that blocks may import, with all they require."""
    preload: tuple[str, ...] = (
        "numpy",
        "scipy.optimize",
        "scipy.stats",
        "scipy.integrate",
        "scipy.special",
        "sympy",
        "pandas",
    )
    """Modules loaded once in the warm parent; others are imported when a block asks for them."""
    timeout_s: float = Field(default=30.0, gt=0)
    """Longest time for one block; its session ends where it takes longer."""
    output_head: int = Field(default=400, ge=0)
    """Characters kept from the start of a block's output."""
    output_tail: int = Field(default=400, ge=0)
    """Characters kept from the end of a block's output."""
    memory_mib: int = Field(default=1024, gt=0)
    """Memory of a session beyond the libraries: per process by its address space, and in all."""
    total_memory_mib: int | None = Field(default=None, gt=0)
    """Memory of all sessions together; half of the machine's where null."""
    cpu_s: int = Field(default=600, gt=0)
    """CPU seconds one process of a session may use in its whole life."""
    processes: int = Field(default=32, gt=0)
    """Processes and threads of a session at once."""
    open_files: int = Field(default=64, ge=16)
    """Open files of a process."""
    tmp_mib: int = Field(default=64, gt=0)
    """Size of a session's private /tmp."""
    sessions: int = Field(default=256, gt=0)
    """Sessions alive at once; more wait."""
    blocks_at_once: int | None = Field(default=None, gt=0)
    """Blocks that run at once; the number of cores where null.  Waiting is not timed."""
    idle_s: float = Field(default=1.0, gt=0)
    """A session that runs no block for so long is stopped until the next one."""


class BubblewrapSandbox(_Sandbox):
    """Sessions in namespaces of their own: no network, no host files, no neighbours."""

    kind: Literal["bubblewrap"] = "bubblewrap"
    bwrap: str = "bwrap"
    """The program, by name or path."""
    seccomp: bool = True
    """Filter system calls; needs libseccomp."""


class UnsafeProcessSandbox(_Sandbox):
    """Plain processes: whatever you may read, write and send, the model's code may too.

    Limits hold for each process and time-outs end sessions, but nothing is hidden or forbidden.
    """

    kind: Literal["unsafe-process"] = "unsafe-process"


def _named(value: Any) -> Any:
    """A plain string in a config is a kind with its default settings."""
    return {"kind": value} if isinstance(value, str) else value


SandboxConfig = Annotated[
    Annotated[BubblewrapSandbox | UnsafeProcessSandbox, Field(discriminator="kind")],
    BeforeValidator(_named),
]

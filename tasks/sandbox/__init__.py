"""Where model-written Python runs: settings, sessions and what comes back from a block."""

from thoughtmill.tasks.sandbox.sandbox import Sandbox, open_sandbox
from thoughtmill.tasks.sandbox.session import BlockResult, Session
from thoughtmill.tasks.sandbox.settings import (
    BubblewrapSandbox,
    SandboxConfig,
    UnsafeProcessSandbox,
)

__all__ = [
    "BlockResult",
    "BubblewrapSandbox",
    "Sandbox",
    "SandboxConfig",
    "Session",
    "UnsafeProcessSandbox",
    "open_sandbox",
]

"""Prefect's API for one command, where the user has none.

Prefect would start a temporary server by itself; that one dies with the first Ctrl-C, because it
shares the terminal's process group, and outlives a killed command.  Ours does neither.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import ThoughtmillError

_START_S = 120.0
_PR_SET_PDEATHSIG = 1


@contextmanager
def local_api() -> Iterator[None]:
    """Point Prefect at the API of the user's settings, or at one of this command's own.

    Raises `ThoughtmillError` where the server does not come up.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    if PREFECT_API_URL.value():
        yield
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    server = subprocess.Popen(
        [sys.executable, "-m", "flows.local_api", str(port), str(os.getpid())],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(server, url)
        with temporary_settings({PREFECT_API_URL: url}):
            yield
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], url: str) -> None:
    import httpx

    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise ThoughtmillError(
        f"Prefect's local API did not come up in {_START_S:.0f} s: look at `prefect server start`, "
        "or set PREFECT_API_URL to a server that runs"
    )


def _serve(port: int, parent: int) -> None:
    """The server process: ends with its parent, whatever ended that."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
    # What Prefect sets for its own temporary server: no UI, no background services for others.
    os.environ["PREFECT_UI_ENABLED"] = "0"
    os.environ["PREFECT__SERVER_EPHEMERAL"] = "1"
    os.environ["PREFECT__SERVER_FINAL"] = "1"
    import uvicorn

    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host="127.0.0.1",
        port=port,
        log_level="error",
    )


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))

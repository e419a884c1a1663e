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

from thoughtmill.schemas.errors import ConfigError, ThoughtmillError
from thoughtmill.tasks.runtime.progress import phase

_START_S = 120.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PR_SET_PDEATHSIG = 1


@contextmanager
def local_api() -> Iterator[None]:
    """Point Prefect at the API of the user's settings, or at one of this command's own.

    Raises `ConfigError` where the user's API does not answer, `ThoughtmillError` where our own
    does not come up.
    """
    _bypass_proxy()
    from prefect.settings import PREFECT_API_URL, temporary_settings

    if theirs := PREFECT_API_URL.value():
        _require_api(theirs)
        yield
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    server = subprocess.Popen(
        [sys.executable, "-m", "thoughtmill.flows.cli.local_api", str(port), str(os.getpid())],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with phase("starting Prefect"):
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


def _bypass_proxy() -> None:
    """Keep loopback off a proxy of the environment, which Prefect's client would ask for it."""
    there = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in there.split(",") if host.strip()]
    hosts += [host for host in _LOOPBACK if host not in hosts]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(hosts)


def _require_api(url: str) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
    if error is not None:
        raise ConfigError(f"no Prefect API at {url}: start it, or unset PREFECT_API_URL") from error


def _wait(server: subprocess.Popen[bytes], url: str) -> None:
    import httpx

    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
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

"""The life of one session's first process: lock itself in, then run blocks until the host goes."""

from __future__ import annotations

import base64
import contextlib
import os
import random
import resource
import signal
import socket
import sys
import tempfile
from typing import Any, NoReturn

from . import confine, wire
from .blocks import Blocks

_SOCKET = 3


def live(sock: socket.socket, plan: dict[str, Any], seed: int | None) -> NoReturn:
    """Never returns: the process ends with the session.  No block runs where locking in failed."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(sock.fileno(), _SOCKET, inheritable=False)
    sock.detach()
    sock = socket.socket(fileno=_SOCKET)
    try:
        _lock_in(plan)
        _seed(seed)
    except Exception as error:
        sock.sendall(wire.encode({"failed": f"{type(error).__name__}: {error}"}))
        os._exit(1)
    sock.sendall(wire.encode({"ready": True}))
    first = os.getpid()
    blocks = Blocks(plan["head"], plan["tail"])
    with contextlib.suppress(OSError):
        while message := wire.receive(sock):
            result = blocks.run(message["code"], message["timeout_s"])
            if os.getpid() != first:  # a child that the block has forked, and that came back here
                os._exit(0)
            sock.sendall(wire.encode({**result, "number": message["number"]}))
    os._exit(0)


def _lock_in(plan: dict[str, Any]) -> None:
    os.setsid()  # a process group reaches across pid namespaces: kill(0, ...) must end here
    os.closerange(_SOCKET + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    if plan["confined"]:
        confine.enter_session(plan["tmp_bytes"], filtered=bool(plan["filter"]))
    else:
        os.chdir(tempfile.mkdtemp(dir=plan["folder"]))
    _descriptors()
    confine.limit(plan["limits"])
    if plan["confined"]:
        confine.drop_capabilities()
        if plan["filter"]:
            confine.filter_calls(base64.b64decode(plan["filter"]))


def _descriptors() -> None:
    """Nothing to read; what child processes print goes to a file that has no name."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    handle = os.open(".output", os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(".output")
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def _seed(seed: int | None) -> None:
    """Sessions are copies of one process: without this all would draw the same numbers."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(None if seed is None else seed % 2**32)

"""The warm parent: libraries loaded once, a session forked from it in milliseconds.

Runs as `python -m inside.zygote FD` inside bubblewrap; FD is the control socket.  Owns the fork,
the end of sessions and their memory sums; never runs a line of a model's code itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
from select import POLLIN, poll
from typing import Any

from . import confine, session
from .warm_up import warm_up
from .watch import TICK_MS, Watch, trees

_MESSAGE = 1 << 17


class Zygote:
    """Answers the host's requests, one at a time, in a process that has a single thread."""

    def __init__(self, control: socket.socket, plan: dict[str, Any]) -> None:
        self._control, self._plan = control, plan
        self._confined: bool = plan["confined"]
        self._pids: dict[int, int] = {}
        self._ids: dict[int, int] = {}
        self._reasons: dict[int, str] = {}
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._namespace = os.open("/proc/self/ns/pid", os.O_RDONLY) if self._confined else -1
        self._watch = Watch(plan["session_bytes"], plan["total_bytes"])

    def serve(self) -> None:
        """Until the host goes away."""
        poller = poll()
        poller.register(self._control, POLLIN)
        poller.register(self._wake, POLLIN)
        watched = 0.0
        while True:
            ready = dict(poller.poll(TICK_MS if self._ids else None))
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._reap()
            if self._control.fileno() in ready:
                data, handles, *_ = socket.recv_fds(self._control, _MESSAGE, 1)
                if not data:
                    return
                self._handle(json.loads(data), handles)
            now = time.monotonic()
            if self._ids and self._confined and now - watched >= TICK_MS / 1000:
                watched = now
                for pid, reason in self._watch.over(self._ids).items():
                    self._reasons[pid] = reason
                    self._signal(pid, signal.SIGKILL)

    def _handle(self, message: dict[str, Any], handles: list[int]) -> None:
        if message["do"] == "open":
            self._open(message["id"], message["seed"], socket.socket(fileno=handles[0]))
            return
        pids = [self._pids[id_] for id_ in message["ids"] if id_ in self._pids]
        if message["do"] == "end":
            for pid in pids:
                self._signal(pid, signal.SIGKILL)
            return
        number = signal.SIGSTOP if message["do"] == "park" else signal.SIGCONT
        everybody = trees(self._ids) if self._confined else {}
        for pid in pids:
            for member in everybody.get(pid, [pid]):
                self._signal(member, number)

    def _open(self, id_: int, seed: int | None, sock: socket.socket) -> None:
        try:
            pid = self._fork()
        except OSError as error:
            self._say({"ended": id_, "code": None, "reason": f"fork: {error}"})
            sock.close()
            return
        if not pid:
            session.live(sock, self._plan, seed)
        sock.close()
        self._pids[id_], self._ids[pid] = pid, id_

    def _fork(self) -> int:
        if not self._confined:
            return os.fork()
        confine.next_fork_is_pid_1()
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid:
                confine.forks_stay_here(self._namespace)
        return pid

    def _say(self, message: dict[str, Any]) -> None:
        self._control.send(json.dumps(message).encode())

    def _signal(self, pid: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if not self._confined:  # the process group stands for the tree, once there is one
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, number)
                    return
            os.kill(pid, number)

    def _reap(self) -> None:
        while self._ids:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            id_ = self._ids.pop(pid, None)
            if id_ is None:
                continue
            if not self._confined:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            del self._pids[id_]
            code = os.waitstatus_to_exitcode(status)
            self._say({"ended": id_, "code": code, "reason": self._reasons.pop(pid, "")})


def main() -> None:
    """Lock in, load, say so, serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    plan = json.loads(control.recv(_MESSAGE))
    if plan["confined"]:
        if plan["user"] is not None:
            confine.drop_root(plan["user"])
        confine.enter_zygote()
    for name in plan["preload"]:
        importlib.import_module(name)
    warm_up()
    with open("/proc/self/statm") as file:
        loaded = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    plan["limits"]["AS"] += loaded
    gc.collect()
    gc.freeze()  # the collector would write to every page that sessions share
    zygote = Zygote(control, plan)
    control.send(b'{"ready": true}')
    zygote.serve()


if __name__ == "__main__":
    main()

"""The host's side of one warm parent: asks for sessions, ends them, hears of their end.

Owns the control socket on the event loop.  A parent that has died is never revived: `alive` turns
false, every session's end is told, and whoever wants sessions starts another.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import socket
from typing import NamedTuple

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sandbox import launch
from thoughtmill.tasks.sandbox.settings import BubblewrapSandbox, UnsafeProcessSandbox

_MESSAGE = 1 << 17
_START_S = 120.0


class End(NamedTuple):
    """How a session's first process ended: exit code, or minus the signal; and why, if known."""

    code: int | None
    reason: str

    def __str__(self) -> str:
        if self.reason:
            return self.reason
        if self.code is None:
            return "the sandbox has gone"
        if self.code == -signal.SIGKILL:
            return "killed: its CPU time was used up, or the machine ran out of memory"
        if self.code < 0:
            known = -self.code in set(signal.Signals)
            name = signal.Signals(-self.code).name if known else f"signal {-self.code}"
            return f"its process died of {name}"
        return f"its process exited with code {self.code}"


class Parent:
    """One running warm parent."""

    def __init__(self, zygote: launch.Zygote) -> None:
        self._zygote = zygote
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._ends: dict[int, asyncio.Future[End]] = {}
        self._ids = itertools.count()
        self._backlog: list[bytes] = []
        self.alive = True
        self._loop.add_reader(zygote.control, self._readable)

    @classmethod
    async def start(cls, settings: BubblewrapSandbox | UnsafeProcessSandbox) -> Parent:
        """A parent that has loaded its libraries; `ConfigError` says why there is none."""
        parent = cls(launch.start(await asyncio.to_thread(launch.prepare, settings)))
        try:
            async with asyncio.timeout(_START_S):
                await parent._ready
        except (TimeoutError, ConnectionError) as error:
            parent.close()
            text = await asyncio.to_thread(launch.explain, parent._zygote)
            raise ConfigError(text) from error
        except BaseException:
            parent.close()
            raise
        return parent

    @property
    def pid(self) -> int:
        """Process id of what was started: bubblewrap, or the warm parent itself."""
        return self._zygote.process.pid

    async def open(self, theirs: socket.socket, seed: int | None) -> int:
        """Fork a session that talks on `theirs`; returns its id."""
        id_ = next(self._ids)
        message = json.dumps({"do": "open", "id": id_, "seed": seed}).encode()
        self._ends[id_] = self._loop.create_future()
        while self.alive:
            try:
                socket.send_fds(self._zygote.control, [message], [theirs.fileno()])
                break
            except BlockingIOError:
                await asyncio.sleep(0.001)
            except OSError:
                self._gone()
        if not self.alive:
            raise ConnectionError("the sandbox has gone")
        return id_

    def ended(self, id_: int) -> asyncio.Future[End]:
        """Done once no process of the session is left."""
        return self._ends[id_]

    def forget(self, id_: int) -> None:
        """No more questions about a session that has ended."""
        self._ends.pop(id_, None)

    def tell(self, do: str, ids: list[int]) -> None:
        """`end`, `park` or `wake` sessions."""
        if not self.alive or not ids:
            return
        self._backlog.append(json.dumps({"do": do, "ids": ids}).encode())
        if len(self._backlog) == 1:
            self._drain()

    def _drain(self) -> None:
        """Send what is to be told, in order."""
        while self.alive and self._backlog:
            try:
                self._zygote.control.send(self._backlog[0])
            except BlockingIOError:
                self._loop.call_later(0.001, self._drain)
                return
            except OSError:
                self._gone()
                return
            del self._backlog[0]

    def close(self) -> None:
        """End it and all its sessions at once."""
        self._gone()

    def _readable(self) -> None:
        try:
            data = self._zygote.control.recv(_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._gone()
            return
        message = json.loads(data)
        if "ready" in message:
            self._ready.set_result(None)
        elif (end := self._ends.get(message["ended"])) and not end.done():
            end.set_result(End(message["code"], message["reason"]))

    def _gone(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self._loop.remove_reader(self._zygote.control)
        self._zygote.control.close()
        self._zygote.process.kill()
        if not self._ready.done():
            self._ready.set_exception(ConnectionError("the sandbox did not start"))
        for end in self._ends.values():
            if not end.done():
                end.set_result(End(None, ""))
        self._loop.run_in_executor(None, self._bury)

    def _bury(self) -> None:
        self._zygote.process.wait()
        if self._zygote.folder:
            self._zygote.folder.cleanup()

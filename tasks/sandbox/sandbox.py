"""The sandbox of a worker: one warm parent, replaced when it breaks, and its sessions.

Owns how many sessions live and how many blocks run at once.  All of it is on one event loop.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from thoughtmill.tasks.sandbox.parent import Parent
from thoughtmill.tasks.sandbox.session import SandboxError, Session
from thoughtmill.tasks.sandbox.settings import BubblewrapSandbox, UnsafeProcessSandbox

_OPEN_S = 60.0
_TRIES = 3


class Sandbox:
    """Gives out sessions; `start` before, `close` after, or use `open_sandbox`."""

    def __init__(self, settings: BubblewrapSandbox | UnsafeProcessSandbox) -> None:
        self.settings = settings
        self._slots = asyncio.Semaphore(settings.sessions)
        self._turns = asyncio.Semaphore(settings.blocks_at_once or os.cpu_count() or 1)
        self._starting = asyncio.Lock()
        self._parent: Parent | None = None
        self._sessions: set[Session] = set()
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the libraries; `ConfigError` says what the machine lacks."""
        await self._living()
        self._sweeper = self._sweeper or asyncio.create_task(self._park_idle())

    @property
    def pid(self) -> int | None:
        """Process at the root of all sessions; null before `start` and after `close`."""
        return self._parent.pid if self._parent else None

    async def close(self) -> None:
        """End every session."""
        if self._sweeper:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
            self._sweeper = None
        for session in list(self._sessions):
            session.end("the sandbox was closed")
        if self._parent:
            self._parent.close()
            self._parent = None

    @asynccontextmanager
    async def session(self, *, seed: int | None = None) -> AsyncIterator[Session]:
        """A new session, killed on leaving; `seed` fixes Python's and NumPy's random numbers.

        Waits while `settings.sessions` are alive.  Raises `SandboxError` where none can be had.
        """
        await self._slots.acquire()
        session: Session | None = None
        try:
            session = await self._open(seed)
            yield session
        finally:
            if session is None:
                self._slots.release()
            else:
                self._leave(session)

    async def _open(self, seed: int | None) -> Session:
        for _ in range(_TRIES):
            parent = await self._living()
            with suppress(ConnectionError):
                return await self._open_in(parent, seed)
            if parent.alive:
                parent.close()
        raise SandboxError(f"sandbox: no session after {_TRIES} tries; the warm parent keeps dying")

    async def _open_in(self, parent: Parent, seed: int | None) -> Session:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                streams = await asyncio.open_unix_connection(sock=ours)
            except BaseException:
                ours.close()
                raise
            try:
                id_ = await parent.open(theirs, seed)
            except BaseException:
                streams[1].close()
                raise
        settings = self.settings
        session = Session(
            parent,
            id_,
            streams,
            timeout_s=settings.timeout_s,
            head=settings.output_head,
            tail=settings.output_tail,
            turns=self._turns,
        )
        try:
            async with asyncio.timeout(_OPEN_S):
                await session.hello()
        except BaseException as error:
            session.end("it did not start")
            parent.forget(id_)
            if isinstance(error, TimeoutError) or not parent.alive:
                raise ConnectionError("the sandbox has gone") from error
            raise
        self._sessions.add(session)
        return session

    async def _living(self) -> Parent:
        async with self._starting:
            if self._parent is None or not self._parent.alive:
                self._parent = await Parent.start(self.settings)
            return self._parent

    def _leave(self, session: Session) -> None:
        """The slot is free once the last process of the session has gone."""
        session.end("the session was closed")
        self._sessions.discard(session)
        ended = session.parent.ended(session.id)
        ended.add_done_callback(lambda _: self._slots.release())
        ended.add_done_callback(lambda _: session.parent.forget(session.id))

    async def _park_idle(self) -> None:
        """Threads and children that outlive a block get no time while the teacher thinks."""
        while True:
            await asyncio.sleep(self.settings.idle_s / 2)
            resting = [s for s in self._sessions if s.idle_for(self.settings.idle_s)]
            for session in resting:
                session.parked()
            if self._parent:
                living = [s.id for s in resting if s.parent is self._parent]
                self._parent.tell("park", living)


@asynccontextmanager
async def open_sandbox(
    settings: BubblewrapSandbox | UnsafeProcessSandbox,
) -> AsyncIterator[Sandbox]:
    """A started sandbox; its sessions end with it."""
    sandbox = Sandbox(settings)
    await sandbox.start()
    try:
        yield sandbox
    finally:
        await sandbox.close()

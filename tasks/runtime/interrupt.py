"""Ctrl-C as a request to stop: finished work is committed, then the command ends."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether the run has been asked to stop."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def asked(self) -> bool:
        return self._asked.is_set()

    def handle(self, number: int, frame: FrameType | None) -> None:
        """First signal: stop gracefully.  Second: give up at once."""
        if self.asked():
            raise KeyboardInterrupt
        self._asked.set()
        print("\nstopping: committing what is finished (again to give up)", file=sys.stderr)


@contextmanager
def graceful_interrupt() -> Iterator[Interrupt]:
    """Catch SIGINT and SIGTERM while a stage works; only the main thread can."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {s: signal.signal(s, interrupt.handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""An event loop in a thread that ends before the interpreter does."""

from __future__ import annotations

import atexit
import threading

import uvloop

_JOIN_S = 10.0


def looping(loop: uvloop.Loop | None = None) -> uvloop.Loop:
    """Run an event loop, a new one where none is given, in a thread until the interpreter exits.

    A uvloop timer that fires while the interpreter is torn down ends the process with a
    segmentation fault (in `PyThreadState_New`), which makes a process that did all its work fail.
    """
    running = loop or uvloop.new_event_loop()
    thread = threading.Thread(target=running.run_forever, daemon=True, name="event-loop")
    thread.start()
    atexit.register(_end, running, thread)
    return running


def _end(loop: uvloop.Loop, thread: threading.Thread) -> None:
    if thread.is_alive():
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_JOIN_S)

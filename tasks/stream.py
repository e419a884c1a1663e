"""Manifests as they arrive, while Ray works in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import ray

from schemas.errors import TeacherDown, ThoughtmillError, in_one_line
from schemas.manifest import Manifest

_POLL_S = 0.5

Stopping = Callable[[], bool]
"""Tells whether the run has been asked to stop."""


def manifests(
    inbox: Any, drive: Callable[[], None], stopping: Stopping
) -> Iterator[Manifest | None]:
    """Call `drive` in a thread and give each manifest that reaches `inbox` until it is done.

    Gives None about twice a second while nothing comes, so that a caller can show progress.  Once
    `stopping()` is true the workers are told to give up what is under way and to hand in what is
    finished.  Raises what a worker reported; `TeacherDown` where Ray failed without a report.
    """
    driver = _Driver(drive)
    driver.start()
    asked = False
    while True:
        running = driver.is_alive()
        arrived = ray.get(inbox.take.remote(_POLL_S if running else 0.0))
        yield from arrived
        if not arrived:
            if not running:
                break
            yield None
        if stopping() and not asked:
            asked = True
            ray.get(inbox.stop.remote())
    reported = ray.get(inbox.failure.remote())
    if reported is not None:
        raise reported from driver.error
    if driver.error is not None:
        raise _ours(driver.error) from driver.error


class _Driver(threading.Thread):
    def __init__(self, drive: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="ray-driver")
        self._drive = drive
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._drive()
        except BaseException as exc:
            self.error = exc


def _ours(error: BaseException) -> ThoughtmillError:
    if isinstance(error, ThoughtmillError):
        return error
    cause = getattr(error, "cause", None)
    if isinstance(cause, ThoughtmillError):
        return cause
    return TeacherDown(f"Ray lost the workers: {in_one_line(error)}")

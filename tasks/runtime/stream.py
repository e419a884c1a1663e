"""Manifests as they arrive, while Ray works in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from thoughtmill.schemas.errors import TeacherDown, ThoughtmillError, in_one_line
from thoughtmill.schemas.manifest import Manifest
from thoughtmill.tasks.runtime.inbox import Line, Mail

_POLL_S = 0.5

Stopping = Callable[[], bool]
"""Tells whether the run has been asked to stop."""


Over = Callable[[], bool]
"""Tells whether the workers were asked to stop and have handed in what they had."""


def manifests(
    inbox: Any, drive: Callable[[Over], None], stopping: Stopping
) -> Iterator[Manifest | None]:
    """Call `drive` in a thread and give each manifest that reaches `inbox` until it is done.

    A manifest is acknowledged when the caller asks for the next one, so the caller must have
    committed it by then.  Gives None about twice a second while nothing comes, so that a caller can
    show progress.  Once `stopping()` is true the workers are asked to give up what is under way and
    to hand in what is finished.  Raises what a worker reported; `TeacherDown` where Ray failed
    without a report, `InboxLost` where the inbox can't be reached.
    """
    line = Line(inbox)
    over = threading.Event()
    driver = _Driver(lambda: drive(over.is_set))
    driver.start()
    seen: set[str] = set()
    landed: list[str] = []
    while True:
        running = driver.is_alive()
        wait_s = _POLL_S if running else 0.0
        mail: Mail = line.call("take", wait_s, landed, stopping(), wait_s=wait_s)
        if mail.over:
            over.set()
        for manifest in mail.manifests:
            if manifest.announcement not in seen:
                yield manifest
                seen.add(manifest.announcement)
        landed = [manifest.announcement for manifest in mail.manifests]
        if not landed:
            if not running:
                break
            yield None
    if mail.failure is not None:
        raise mail.failure from driver.error
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

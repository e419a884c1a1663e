"""Looks after the memory of sessions that have several processes, and of all sessions together.

One process is bounded by its own address-space limit.  Only sums need watching: they are taken
from /proc of the zygote's pid namespace, where every session's processes are to be seen.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_PAGE = os.sysconf("SC_PAGE_SIZE")
TICK_MS = 100
_FULL_EVERY = 5


class Watch:
    """Says which sessions to end; ending them is the zygote's."""

    def __init__(self, session_bytes: int, total_bytes: int) -> None:
        self._session_bytes, self._total_bytes = session_bytes, total_bytes
        self._own = _resident(os.getpid())
        self._tick = 0

    def over(self, sessions: Mapping[int, int]) -> dict[int, str]:
        """Sessions (by the pid of their first process) that must end, and why."""
        self._tick += 1
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        several = len(pids) > len(sessions) + 1
        if not several and self._tick % _FULL_EVERY:
            return {}
        ended = {}
        held: dict[int, int] = {}
        for first, tree in trees(sessions, pids).items():
            sizes = [_resident(pid) for pid in tree]
            held[first] = sum(max(0, size - self._own) for size in sizes) + _written(first)
            if len(tree) > 1 and sum(sizes) > self._session_bytes:
                held[first] = sum(_proportional(pid) for pid in tree)
                if held[first] > self._session_bytes + self._own:
                    ended[first] = (
                        f"its processes together held more than {_mib(self._session_bytes)}"
                    )
        if held and sum(held.values()) > self._total_bytes:
            largest = max(held, key=lambda pid: held[pid])
            total = _mib(self._total_bytes)
            ended[largest] = f"all sessions together held more than {total}, and it held the most"
        return ended


def trees(sessions: Mapping[int, int], pids: list[int] | None = None) -> dict[int, list[int]]:
    """The processes of each session; an orphan is a child of its session's first process."""
    if pids is None:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    parents = {pid: _parent(pid) for pid in pids}
    found: dict[int, list[int]] = {first: [] for first in sessions}
    for pid in pids:
        root = pid
        while root not in found and root in parents:
            root = parents[root]
        if root in found:
            found[root].append(pid)
    return found


def _mib(amount: int) -> str:
    return f"{amount >> 20} MiB"


def _parent(pid: int) -> int:
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else -1


def _resident(pid: int) -> int:
    fields = _read(pid, "statm").split()
    return int(fields[1]) * _PAGE if fields else 0


def _proportional(pid: int) -> int:
    """Resident bytes, each page divided by the processes that share it."""
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _written(pid: int) -> int:
    """Bytes in the /tmp of a session, which is memory too."""
    try:
        space = os.statvfs(f"/proc/{pid}/root/tmp")
    except OSError:
        return 0
    return (space.f_blocks - space.f_bfree) * space.f_frsize


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""  # it has ended meanwhile

"""Worker processes for work that may hang or eat memory: a deadline a call, a cap, replacement.

A call that fails costs only itself.  Deadlines count CPU time, so that a busy machine times out
nothing that an idle one would not; the kernel enforces them, whatever C code the call is stuck in.
On the clock a call may take four times as long.  Workers come from a fork server that has sympy
loaded, so a new one is there in milliseconds.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

In = TypeVar("In")
Out = TypeVar("Out")

FailureReason = Literal["timeout", "memory", "crashed"]
_MEMORY_EXIT = 86
_CLOCK_FACTOR = 4.0
_PEAK_SHARE = 0.7
"""Share of the cap above which a finished call is not believed: libraries swallow `MemoryError`."""
_PRELOAD = ["thoughtmill.tasks.verifiers.preload"]
_PR_SET_PDEATHSIG = 1
_believed_bytes = 0


@dataclass(frozen=True, slots=True)
class Done(Generic[Out]):
    value: Out


@dataclass(frozen=True, slots=True)
class Failed:
    """A call without a result, and why."""

    reason: FailureReason
    detail: str = ""


class Workers:
    """A pool of processes that is started by its first call.  Close it, or use it in a `with`.

    `memory_mb` is what a call may take beyond what its process has when it is new.
    """

    def __init__(self, count: int | None = None, *, memory_mb: int = 1536) -> None:
        self.count = count or len(os.sched_getaffinity(0))
        self._memory_mb = memory_mb
        self._pool: ProcessPool | None = None

    def map(
        self, function: Callable[[In], Out], inputs: Iterable[In], *, timeout_s: float
    ) -> list[Done[Out] | Failed]:
        """`function` of each input, in order; it and its inputs must pickle.

        `timeout_s` is what one call may take in CPU seconds; see above for the clock.
        """
        pool = self._started()
        calls: Sequence[ProcessFuture[Out]] = [
            pool.schedule(_call, args=(function, one, timeout_s), timeout=_CLOCK_FACTOR * timeout_s)
            for one in inputs
        ]
        return [_result(call) for call in calls]

    def close(self) -> None:
        """End all workers, whatever they do."""
        if self._pool:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
            self._pool = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _started(self) -> ProcessPool:
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(_PRELOAD)
            self._pool = ProcessPool(
                max_workers=self.count,
                initializer=_limit,
                initargs=(self._memory_mb,),
                context=context,
            )
        return self._pool


def _result(call: ProcessFuture[Out]) -> Done[Out] | Failed:
    try:
        return Done(call.result())
    except FutureTimeoutError:
        return Failed("timeout")
    except MemoryError:
        return Failed("memory")
    except ProcessExpired as exc:
        if exc.exitcode == -signal.SIGPROF:
            return Failed("timeout")
        killed = exc.exitcode in (_MEMORY_EXIT, -signal.SIGKILL)
        return Failed("memory" if killed else "crashed", f"exit code {exc.exitcode}")
    except Exception as exc:  # whatever the verifier or a library of its raised, one pair's failure
        return Failed("crashed", f"{type(exc).__name__}: {exc}"[:300])


def _limit(memory_mb: int) -> None:
    """In a new worker: cap its memory, and die when the fork server does."""
    global _believed_bytes
    start, allowed = _peak_bytes(), memory_mb * 2**20
    _believed_bytes = start + int(_PEAK_SHARE * allowed)
    resource.setrlimit(resource.RLIMIT_AS, (start + allowed, start + allowed))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _call(function: Callable[[Any], Any], one: Any, timeout_s: float) -> Any:
    signal.setitimer(signal.ITIMER_PROF, timeout_s)  # its signal, SIGPROF, ends the process
    try:
        result = function(one)
    except MemoryError:
        os._exit(_MEMORY_EXIT)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if _peak_bytes() > _believed_bytes:
        os._exit(_MEMORY_EXIT)
    return result


def _peak_bytes() -> int:
    """Most address space this process ever had, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmPeak:"):
            return int(line.split()[1]) * 1024
    return 0

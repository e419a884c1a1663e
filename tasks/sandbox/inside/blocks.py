"""Runs the blocks of one session in one namespace, as a notebook would.

Owns what a block prints, echoes and raises.  Bounds nothing but the text: the hard limits are the
kernel's and the host's, since a block may change everything in this process.
"""

from __future__ import annotations

import ast
import linecache
import os
import signal
import sys
import traceback
import types
from typing import Any

from .capture import Clip, Stream

_STREAMS = ("stdout", "stderr", "__stdout__", "__stderr__")
_FRAMES = 30
_PIECE = 1 << 16


class _TimeUp(BaseException):
    """Not an `Exception`, so that a block's own `except Exception` does not swallow it."""


def _time_up(_signal: int, _frame: Any) -> None:
    raise _TimeUp


class Blocks:
    """The namespace of a session and the output of the block that runs."""

    def __init__(self, head: int, tail: int) -> None:
        self._limits = head, tail
        self._stream = Stream(head, tail)
        self._module = types.ModuleType("__main__")
        self._module.__dict__["__builtins__"] = __builtins__
        self._number = 0
        sys.modules["__main__"] = self._module
        os.register_at_fork(after_in_child=self._stream.go_direct)

    def run(self, code: str, timeout_s: float) -> dict[str, Any]:
        """Run one block; `error` is its traceback, `text` output and traceback in one."""
        self._number += 1
        vars(sys).update(dict.fromkeys(_STREAMS, self._stream))
        self._stream.restart()
        error: Clip | None = None
        timed_out = False
        try:
            error = self._attempt(code, timeout_s)
        except _TimeUp:
            timed_out = True
        self._collect_descriptors()
        output = _clean(self._stream.clip.text())
        if error:
            self._stream.clip.extend(error)
        return {
            "output": output,
            "error": _clean(error.text()) if error else None,
            "text": _clean(self._stream.clip.text()),
            "timed_out": timed_out,
        }

    def _attempt(self, code: str, timeout_s: float) -> Clip | None:
        """What the block raised.  The alarm may go off anywhere in here, and nowhere else."""
        signal.signal(signal.SIGALRM, _time_up)
        signal.setitimer(signal.ITIMER_REAL, timeout_s)
        try:
            self._execute(code, f"<block {self._number}>")
        except _TimeUp:
            raise
        except SystemExit as exit_:
            if exit_.code not in (None, 0):
                return self._explain(exit_)
        except BaseException as raised:
            return self._explain(raised)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return None

    def _execute(self, code: str, name: str) -> None:
        lines = f"{code}\n".splitlines(keepends=True)  # carets are off by one without the newline
        linecache.cache[name] = (len(code), None, lines, name)
        space = self._module.__dict__
        tree = ast.parse(code, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec", dont_inherit=True), space)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval"), space)
            if value is not None and not code.rstrip().endswith(";"):
                space["_"] = value
                self._stream.write(f"{value!r}\n")

    def _explain(self, raised: BaseException) -> Clip:
        """The traceback, without our own frames."""
        trace = raised.__traceback__
        while trace and not trace.tb_frame.f_code.co_filename.startswith("<block "):
            trace = trace.tb_next
        clip = Clip(*self._limits)
        try:
            told = traceback.TracebackException(
                type(raised), raised, trace, limit=-_FRAMES, compact=True
            )
            lines = told.format() if trace else told.format_exception_only()
            for line in lines:
                clip.add(line)
        except Exception:  # a message that cannot be told, or is too large to be copied
            clip = Clip(*self._limits)
            clip.add(f"{type(raised).__name__}: (the message cannot be shown)")
        return clip

    def _collect_descriptors(self) -> None:
        """Append what child processes and C code wrote straight to descriptors 1 and 2."""
        try:
            size = os.fstat(1).st_size
            if not size:
                return
            start = os.pread(1, _PIECE, 0)
            self._stream.clip.add(start.decode("utf-8", "replace"))
            rest = max(_PIECE, size - _PIECE)
            if size > _PIECE:
                end = os.pread(1, _PIECE, rest).decode("utf-8", "replace")
                self._stream.clip.add(end, skipped=rest - _PIECE)
            os.ftruncate(1, 0)
        except OSError:
            return  # the block has closed or replaced its descriptors


def _clean(text: str) -> str:
    """Valid Unicode: lone surrogates would not survive the way into Parquet."""
    return text.encode("utf-8", "replace").decode("utf-8")

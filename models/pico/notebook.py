"""Runs the blocks of the training corpus and prints what the sandbox would print for them.

For code that is generated here and nothing else: there is no isolation at all. The form of
echoes and tracebacks follows tasks/sandbox/inside/blocks.py; a test compares the two.
"""

from __future__ import annotations

import ast
import io
import linecache
import traceback
from contextlib import redirect_stdout
from typing import Any


class Notebook:
    """Names stay defined from one block to the next."""

    def __init__(self) -> None:
        self.space: dict[str, Any] = {"__name__": "__main__"}
        self.number = 0

    def run(self, code: str) -> str:
        """What the block prints, its last expression's value, or its traceback after that."""
        self.number += 1
        name = f"<block {self.number}>"
        linecache.cache[name] = (len(code), None, f"{code}\n".splitlines(keepends=True), name)
        printed = io.StringIO()
        try:
            tree = ast.parse(code, name)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            with redirect_stdout(printed):
                exec(compile(tree, name, "exec", dont_inherit=True), self.space)
                if isinstance(last, ast.Expr):
                    value = eval(compile(ast.Expression(last.value), name, "eval"), self.space)
                    if value is not None:
                        print(repr(value))
        except Exception as raised:
            trace = raised.__traceback__
            while trace and not trace.tb_frame.f_code.co_filename.startswith("<block "):
                trace = trace.tb_next
            told = traceback.TracebackException(type(raised), raised, trace, compact=True)
            printed.writelines(told.format() if trace else told.format_exception_only())
        return printed.getvalue()

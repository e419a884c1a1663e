"""What a text of tests does when it is run: asserts, or definitions that somebody has to call."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import NamedTuple

from thoughtmill.tasks.verifiers.code_blocks import defined, parsed

_BUILTINS = frozenset(dir(builtins))


class Run(NamedTuple):
    """A function or a class of the text, and what to do with it."""

    name: str
    method: str = ""
    """Method of a class; `<candidate>` for a function that takes the program's."""


@dataclass(frozen=True)
class Assertions:
    """A text of tests, read."""

    text: str
    acts: bool
    """Whether running it tests anything."""
    runs: tuple[Run, ...]
    """What it only defines: `check(candidate)`, `test_*` functions, methods of `Test*` classes."""
    wanted: frozenset[str]
    """Names that it takes from the program."""
    modules: tuple[str, ...] = ()
    """Modules that it imports names from."""


def read_assertions(text: str) -> Assertions:
    """Read a text; one that does not compile acts, so that running it shows what is wrong."""
    tree = parsed(text)
    if tree is None:
        return Assertions(text, bool(text.strip()), (), frozenset())
    called = {
        node.func.id
        for top in tree.body
        for node in _outside(top)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    acts = any(_acts(top) for top in tree.body)
    runs = [run for top in tree.body for run in _runs(top) if run.name not in called]
    return Assertions(text, acts, tuple(runs), _wanted(tree), _modules(tree))


def _outside(top: ast.stmt) -> list[ast.AST]:
    """Nodes that run as the text is run: not inside definitions, nor behind `__main__`."""
    if isinstance(top, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return []
    if isinstance(top, ast.If) and "__main__" in ast.unparse(top.test):
        return []
    return list(ast.walk(top))


def _acts(top: ast.stmt) -> bool:
    for node in _outside(top):
        if isinstance(node, ast.Assert | ast.Raise):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            if not (isinstance(called, ast.Name) and called.id == "print"):
                return True
    return False


def _runs(top: ast.stmt) -> list[Run]:
    if isinstance(top, ast.FunctionDef | ast.AsyncFunctionDef):
        if top.name == "check" and len(top.args.args) == 1:
            return [Run("check", "<candidate>")]
        is_test = top.name.startswith("test") and not _is_fixture(top)
        return [Run(top.name)] if is_test else []
    if isinstance(top, ast.ClassDef):
        is_case = any("TestCase" in ast.unparse(base) for base in top.bases)
        if is_case or top.name.startswith("Test"):
            return [
                Run(top.name, part.name)
                for part in top.body
                if isinstance(part, ast.FunctionDef) and part.name.startswith("test")
            ]
    return []


def _is_fixture(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("fixture" in ast.unparse(mark) for mark in node.decorator_list)


def _wanted(tree: ast.Module) -> frozenset[str]:
    """Names that are read and bound nowhere, and those imported from the program's module."""
    read: set[str] = set()
    bound = defined(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            bound.add(node.name)
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "solution"
        for alias in node.names
    }
    return frozenset((read - bound - _BUILTINS) | (imported - {"*"}))


def _modules(tree: ast.Module) -> tuple[str, ...]:
    found = {
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return tuple(sorted(name for name in found if "." not in name))

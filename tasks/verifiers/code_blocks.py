"""The program inside a reply: fenced and indented blocks as CommonMark 0.31 has them."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

Language = Literal["python", "cpp"]
_OPEN = re.compile(
    r"^(?P<indent>(?:[ \t]|>[ ]?)*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)"
    r"(?P<fence>`{3,}(?=[^`]*$)|~{3,})[ \t]*(?P<info>.*)$"
)
_PYTHON = frozenset({"python", "py", "python3", "python2", "py3"})
_CPP = re.compile(r"c\+\+(?:\d\w)?|cpp(?:\d\w)?|cc|cxx")
_TEXT = frozenset({"text", "txt", "plaintext", "plain", "output", "console", "bash", "sh", "shell"})
_READS = re.compile(r"\binput\s*\(|\bstdin\b|\bopen\s*\(\s*0\b|\bfileinput\b|\bos\.read\b")
_INLINE = re.compile(r"`[^`\n]+`")


class Block(NamedTuple):
    """One block: the first word of its info string in small letters, and its text."""

    tag: str
    text: str
    fenced: bool = True


class Program(NamedTuple):
    """A program and its language; `text` is None where there is none, with the reason."""

    text: str | None
    language: Language = "python"
    missing: str = ""


def find_program(reply: str, names: Collection[str] = (), *, reads: bool = False) -> Program:
    """The program of a reply.

    Blocks tagged as Python come before untagged and indented ones, and the last that fits wins:
    one that defines all `names`, or with `reads` one that reads standard input, where any does.
    Without a block it is the whole reply, if that compiles.
    """
    found = list(blocks(reply))
    tagged = [block.text for block in found if block.tag in _PYTHON and not _is_dialogue(block)]
    if tagged:
        return Program(_best(tagged, names, reads=reads))
    cpp = [block.text for block in found if _is_cpp(block)]
    if cpp:
        return Program(cpp[-1], "cpp")
    for fenced in (True, False):
        plain = [
            block.text
            for block in found
            if not block.tag and block.fenced == fenced and is_program(block.text)
        ]
        if plain:
            return Program(_best(plain, names, reads=reads))
    if any(block.tag and block.tag not in _TEXT for block in found):
        return Program(None, missing="other_language")
    untagged = [block.text for block in found if block.fenced and not block.tag]
    if untagged:  # a program that does not compile, or no program
        return Program(untagged[-1] if "def " in untagged[-1] else None, missing="no_program")
    if is_program(reply):
        return Program(reply)
    return Program(None, missing="only_inline_code" if _INLINE.search(reply) else "no_code")


def blocks(text: str) -> Iterator[Block]:
    """Fenced blocks, an unclosed one up to the end, and indented ones, in the order of the text."""
    lines = text.expandtabs(4).splitlines()
    number, blank = 0, True
    while number < len(lines):
        opened = _OPEN.match(lines[number])
        if opened:
            body, number = _fenced(lines, number + 1, opened["indent"], opened["fence"])
            yield Block(_tag(opened["info"]), body)
            blank = True
        elif blank and lines[number].startswith("    ") and lines[number].strip():
            start = number
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number]):
                number += 1
            yield Block("", textwrap.dedent("\n".join(lines[start:number])).rstrip() + "\n", False)
        else:
            blank = not lines[number].strip()
            number += 1


def is_program(text: str) -> bool:
    """Whether it compiles as Python and does something: one word or a number is not a program."""
    tree = parsed(text)
    return tree is not None and not all(
        isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call) for node in tree.body
    )


def parsed(text: str) -> ast.Module | None:
    """Its syntax tree; None where it does not compile."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def defined(tree: ast.Module) -> set[str]:
    """Names that a module binds at its top level by `def`, `class`, `=` or `import`."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def _fenced(lines: list[str], start: int, indent: str, fence: str) -> tuple[str, int]:
    """The lines up to the closing fence, without the opening one's indentation; where they end."""
    quoted, width = ">" in indent, len(indent)
    body: list[str] = []
    for number in range(start, len(lines)):
        line = re.sub(r"^[ ]{0,3}>[ ]?", "", lines[number]) if quoted else lines[number]
        bare = line.strip()
        room = len(line) - len(line.lstrip())
        closes = bare and set(bare) == {fence[0]} and len(bare) >= len(fence)
        if closes and room < width + 4:
            return "\n".join([*body, ""]), number + 1
        body.append(line[min(room, 0 if quoted else width) :])
    return "\n".join([*body, ""]), len(lines)


def _tag(info: str) -> str:
    words = re.split(r"[\s{},:]+", info.strip().lower().lstrip("{."), maxsplit=1)
    return words[0].lstrip(".")


def _is_cpp(block: Block) -> bool:
    return bool(_CPP.fullmatch(block.tag)) or (not block.tag and "#include" in block.text)


def _is_dialogue(block: Block) -> bool:
    return block.text.lstrip().startswith(">>>")


def _best(texts: list[str], names: Collection[str], *, reads: bool) -> str:
    if reads:
        fitting = [text for text in texts if _READS.search(text)]
    else:
        trees = [(text, parsed(text)) for text in texts]
        fitting = [t for t, tree in trees if tree is not None and set(names) <= _offers(tree)]
    return (fitting or texts)[-1]


def _offers(tree: ast.Module) -> set[str]:
    """Names that a module defines, methods of its classes too."""
    methods = {
        part.name
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.FunctionDef)
    }
    return defined(tree) | methods

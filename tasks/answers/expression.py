"""Expressions read into a tree: no `eval`, no sympy, bounded in length and depth.

Whatever has two common readings (`1/2x`, `\\log` without base) is `Unclear`: a slower tier decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction


class Unclear(Exception):
    """This can't be read, or not in one way only."""


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction
    decimal: bool = False
    """Written with a decimal point or in scientific notation."""


@dataclass(frozen=True, slots=True)
class Symbol:
    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator of `evaluate` and what it is applied to."""

    op: str
    args: tuple[Node, ...]


Node = Number | Symbol | Apply
_DEGREE = Apply("div", (Symbol("pi"), Number(Fraction(180))))
_DIGITS = frozenset("0123456789")

MAX_CHARS = 1000
_MAX_TOKENS = 300
_MAX_DEPTH = 40
FUNCTIONS = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan asin acos atan sinh cosh tanh "  # noqa: SIM905
    "ln lg exp abs".split()
)
CONSTANTS = {"pi": "pi", "e": "e", "i": "i", "imath": "i"}
_TOKEN = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)|(?P<command>\\[A-Za-z]+)|(?P<escaped>\\.)|(?P<word>[A-Za-z]+)"
    r"|(?P<space>\s+)|(?P<char>.)"
)
_GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho "  # noqa: SIM905
    "sigma tau phi varphi chi psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega ell "
    "hbar".split()
)
_TIMES = frozenset({"*", r"\cdot", r"\times", r"\ast"})
_DIVIDE = frozenset({"/", r"\div"})
_CLOSING = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", "|": "|", r"\lfloor": r"\rfloor",
            r"\lceil": r"\rceil"}  # fmt: skip


def tokens(text: str) -> list[str]:
    """Numbers, commands, words and signs of `text`, spaces left out."""
    if len(text) > MAX_CHARS:
        raise Unclear("too long")
    found = []
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "word":
            found += _letters(token)
        elif kind != "space":
            found.append(token)
    if len(found) > _MAX_TOKENS:
        raise Unclear("too long")
    return found


def _letters(word: str) -> list[str]:
    """A run of letters as a function or constant, else as variables."""
    if word in FUNCTIONS or word == "log":
        return ["\\" + word]
    if word == "pi":
        return [r"\pi"]
    if len(word) > 3:
        raise Unclear(f"{word} is no variable")
    return list(word)


def parse(text: str) -> Node:
    """The tree of an expression in `clean`'s dialect.  Raises `Unclear`."""
    parser = _Parser(tokens(text))
    tree = parser.sum()
    if parser.peek():
        raise Unclear(f"{parser.peek()} is left")
    return tree


class _Parser:
    def __init__(self, found: list[str]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._bars = 0

    def peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.peek()
        if not token or (wanted is not None and token != wanted):
            raise Unclear(f"{token or 'the end'} for {wanted or 'an operand'}")
        self._at += 1
        return token

    def sum(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Unclear("too deep")
        negative = self._signs()
        left = self._product()
        if negative:
            left = Apply("neg", (left,))
        while self.peek() in ("+", "-"):
            negative = self.take() == "-"
            right = self._product()
            left = Apply("add", (left, Apply("neg", (right,)) if negative else right))
        self._depth -= 1
        return left

    def _signs(self) -> bool:
        negative = False
        while self.peek() in ("+", "-"):
            negative ^= self.take() == "-"
        return negative

    def _product(self) -> Node:
        left = self._power()
        divided = False
        while True:
            token = self.peek()
            if token in _TIMES or token in _DIVIDE:
                self.take()
                negative = self._signs()
                right = self._power()
                if negative:
                    right = Apply("neg", (right,))
                divided = token in _DIVIDE
                left = Apply("div" if divided else "mul", (left, right))
            elif self._starts_operand(token):
                if divided:
                    raise Unclear("a quotient before a product without a sign")
                if _is_number(token) and self.peek(-1) != "!":
                    raise Unclear("a number after an operand")
                left = Apply("mul", (left, self._power()))
            else:
                return left

    def _starts_operand(self, token: str) -> bool:
        if not token or token == "|":
            return token == "|" and not self._bars
        if token[0] == "\\":
            name = token[1:]
            return (
                name in FUNCTIONS or name in _GREEK or name in CONSTANTS or token in _CLOSING
                or name in {"frac", "sqrt", "log", "binom", "text"}
            )  # fmt: skip
        return _is_number(token) or token.isalpha() or token in "({["

    def _power(self) -> Node:
        base = self._postfix(self._operand())
        if self.peek() == "^":
            self.take()
            return self._postfix(Apply("pow", (base, self._exponent())))
        return base

    def _exponent(self) -> Node:
        if self.peek() == "-":
            self.take()
            return Apply("neg", (self._exponent(),))
        token = self.peek()
        if token == "{":
            return self._group()
        exponent = self._operand()
        if self.peek() == "^":
            self.take()
            return Apply("pow", (exponent, self._exponent()))
        return exponent

    def _postfix(self, node: Node) -> Node:
        while self.peek() in ("!", "°"):
            degrees = self.take() == "°"
            node = Apply("mul", (node, _DEGREE)) if degrees else Apply("factorial", (node,))
        return node

    def _operand(self) -> Node:
        token = self.take()
        if _is_number(token):
            return self._number(token)
        if token in _CLOSING:
            return self._closed(token)
        if token[0] == "\\":
            return self._command(token[1:])
        if token.isalpha():
            return Symbol(CONSTANTS[token]) if token in CONSTANTS else self._variable(token)
        raise Unclear(f"{token} is no operand")

    def _number(self, token: str) -> Node:
        number = Number(Fraction(token), "." in token)
        if number.decimal:
            return number
        rest: Node | None = None
        if self.peek() == r"\frac":
            at = self._at
            rest = self._operand()
            if not _is_ratio(rest):
                self._at = at
                return number
        elif _is_number(self.peek()) and self.peek(1) == "/" and _is_number(self.peek(2)):
            over = Number(Fraction(self.take()))
            self.take("/")
            rest = Apply("div", (over, Number(Fraction(self.take()))))
        if rest is None:
            return number
        if not _is_proper(rest):
            raise Unclear("a mixed number with an improper fraction")
        return Apply("add", (number, rest))

    def _closed(self, token: str) -> Node:
        """What stands between brackets, the first of which is taken."""
        self._bars += token == "|"
        inner = self.sum()
        self._bars -= token == "|"
        self.take(_CLOSING[token])
        if token in ("|", r"\lfloor", r"\lceil"):
            return Apply({"|": "abs", r"\lfloor": "floor", r"\lceil": "ceil"}[token], (inner,))
        if token == r"\{":
            raise Unclear("a set")
        return inner

    def _group(self) -> Node:
        """`{…}`, or one sign where LaTeX lets braces go: `\\frac12`."""
        if self.peek() == "{":
            self.take()
            return self._closed("{")
        token = self.peek()
        if _is_number(token) and token.isdigit() and len(token) > 1:
            self._tokens[self._at] = token[1:]
            return Number(Fraction(token[0]))
        return self._operand()

    def _command(self, name: str) -> Node:
        if name == "frac":
            over = self._group()
            return Apply("div", (over, self._group()))
        if name == "sqrt":
            index: Node | None = None
            if self.peek() == "[":
                self.take()
                index = self.sum()
                self.take("]")
            inner = self._group()
            return Apply("root", (inner, index)) if index else Apply("sqrt", (inner,))
        if name == "binom":
            top = self._group()
            return Apply("binomial", (top, self._group()))
        if name == "log":
            return self._log()
        if name in FUNCTIONS:
            return self._function(name)
        if name in CONSTANTS:
            return Symbol(CONSTANTS[name])
        if name == "text":
            self.take("{")
            letter = self.take()
            self.take("}")
            if not letter.isalpha():
                raise Unclear("text")
            return self._variable(letter)
        if name in _GREEK:
            return self._variable(name)
        raise Unclear(f"\\{name}")

    def _variable(self, name: str) -> Node:
        while self.peek() == "'":
            name += self.take()
        if self.peek() == "_":
            self.take()
            if self.peek() == "{":
                self.take()
                parts = []
                while self.peek() != "}":
                    parts.append(self.take())
                self.take()
                return Symbol(f"{name}_{''.join(parts)}")
            return Symbol(f"{name}_{self.take()}")
        return Symbol(name)

    def _log(self) -> Node:
        if self.peek() != "_":
            raise Unclear("a logarithm without base")
        self.take()
        base = self._group()
        return Apply("log", (self._argument(), base))

    def _function(self, name: str) -> Node:
        power: Node | None = None
        if self.peek() == "^":
            self.take()
            power = self._exponent()
            if isinstance(power, Apply):
                raise Unclear("an inverse, or a reciprocal")
        node = Apply(name, (self._argument(),))
        return Apply("pow", (node, power)) if power else node

    def _argument(self) -> Node:
        """What a function without brackets is taken of: `\\sin 2x` is the sine of `2x`."""
        if self.peek() in ("(", "[", "{", "|"):
            argument = self._operand()
            if self.peek() == "^":
                raise Unclear("a power of an argument, or of the function")
            return argument
        node = self._power()
        while self._starts_operand(self.peek()):
            token = self.peek()
            if token in _CLOSING or token[1:] in FUNCTIONS or token == r"\log":
                if token in _CLOSING:
                    raise Unclear("an argument, or a factor after it")
                break
            node = Apply("mul", (node, self._power()))
        if self.peek() in _DIVIDE:
            raise Unclear("an argument with a slash")
        return node


def _is_number(token: str) -> bool:
    return token[:1] in _DIGITS if token[:1] != "." else len(token) > 1


def _is_ratio(node: Node) -> bool:
    return (
        isinstance(node, Apply)
        and node.op == "div"
        and all(isinstance(arg, Number) and not arg.decimal for arg in node.args)
    )


def _is_proper(node: Node) -> bool:
    over, under = node.args if isinstance(node, Apply) else (node, node)
    assert isinstance(over, Number)
    assert isinstance(under, Number)
    return 0 < over.value < under.value


def symbols(node: Node) -> frozenset[str]:
    """Names of the variables of a tree; constants are none."""
    if isinstance(node, Symbol):
        return frozenset() if node.name in ("pi", "e", "i") else frozenset((node.name,))
    if isinstance(node, Apply):
        return frozenset().union(*(symbols(arg) for arg in node.args))
    return frozenset()

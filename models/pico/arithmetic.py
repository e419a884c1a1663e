"""Long arithmetic as a pupil writes it: digit by digit, each line small enough to get right.

Every function returns the written working, whose last number is the result.
"""

from __future__ import annotations

from collections.abc import Sequence


def add(a: int, b: int) -> str:
    """a + b for non-negative numbers, from the last column to the first."""
    head = f"{a}+{b}"
    if a < 10 and b < 10:
        return f"{head}={a + b}"
    columns, carry = [], 0
    left, right = str(a)[::-1], str(b)[::-1]
    for n in range(max(len(left), len(right))):
        terms = [int(digits[n]) for digits in (left, right) if n < len(digits)]
        if carry:
            terms.append(carry)
        total = sum(terms)
        columns.append("+".join(map(str, terms)) + (f"={total}" if len(terms) > 1 else ""))
        carry = total // 10
    return f"{head}: {', '.join(columns)}, {head}={a + b}"


def subtract(a: int, b: int) -> str:
    """a - b with a >= b >= 0; a column that is too small borrows ten."""
    head = f"{a}-{b}"
    if a < 10:
        return f"{head}={a - b}"
    columns, borrow = [], 0
    top, low = str(a)[::-1], str(b)[::-1]
    for n, digit in enumerate(top):
        taken = int(low[n]) if n < len(low) else 0
        owed, borrow = borrow, int(int(digit) - borrow < taken)
        text = f"1{digit}" if borrow else digit
        text += "-1" if owed else ""
        text += f"-{taken}" if n < len(low) else ""
        value = int(digit) + 10 * borrow - owed - taken
        columns.append(text + (f"={value}" if "-" in text else ""))
    return f"{head}: {', '.join(columns)}, {head}={a - b}"


def times_digit(a: int, digit: int) -> str:
    head = f"{a}*{digit}"
    if a < 10:
        return f"{head}={a * digit}"
    columns, carry = [], 0
    for figure in str(a)[::-1]:
        product = int(figure) * digit
        total = product + carry
        columns.append(f"{figure}*{digit}={product}")
        if carry:
            columns.append(f"{product}+{carry}={total}")
        carry = total // 10
    return f"{head}: {', '.join(columns)}, {head}={a * digit}"


def multiply(a: int, b: int) -> str:
    """a * b: by the units, by the tens and so on, each added to what is there."""
    if b < 10:
        return times_digit(a, b)
    lines, total = [], 0
    for place, digit in enumerate(map(int, str(b)[::-1])):
        if not digit:
            continue
        lines.append(times_digit(a, digit))
        part = a * digit * 10**place
        if place:
            lines.append(f"{a}*{digit * 10**place}={part}")
        if total:
            lines.append(add(part, total))
        total += part
    if f"{a}*{b}={total}" != lines[-1]:
        lines.append(f"{a}*{b}={total}")
    return "; ".join(lines)


def sum_up(terms: Sequence[int]) -> str:
    """All the terms, one after the other."""
    lines, total = [], terms[0]
    for term in terms[1:]:
        lines.append(add(total, term))
        total += term
    return "; ".join(lines)


def power(base: int, exponent: int) -> str:
    """base ** exponent by multiplying again and again; exponent at least 2."""
    lines = [multiply(base**n, base) for n in range(1, exponent)]
    return "; ".join(lines) + f"; {exponent} times {base}={base**exponent}"


def remainder(a: int, b: int) -> str:
    """What is left of a when it is divided by b, figure by figure."""
    parts, rest = [], 0
    for figure in str(a):
        value = rest * 10 + int(figure)
        rest = value % b
        if parts or value >= b:
            parts.append(f"{value}/{b}={value // b} rest {rest}")
    return f"{a} by {b}: {', '.join(parts)}, so what is left is {rest}"


def divide(a: int, digit: int) -> str:
    """a / digit without remainder, figure by figure."""
    head = f"{a}/{digit}"
    if a <= 9 * digit:
        return f"{head}={a // digit}"
    parts, rest = [], 0
    for figure in str(a):
        value = rest * 10 + int(figure)
        rest = value % digit
        if not parts and value < digit:
            continue
        parts.append(f"{value}/{digit}={value // digit}" + (f" rest {rest}" if rest else ""))
    return f"{head}: {', '.join(parts)}, {head}={a // digit}"


def work(a: int, op: str, b: int) -> str:
    """The written working of a op b, and its result as the last number."""
    match op:
        case "+":
            return add(a, b)
        case "-":
            return subtract(a, b)
        case "*":
            return multiply(a, b)
        case "/":
            return divide(a, b)
    raise ValueError(f"no written working for {op!r}")


def signed(a: int, op: str, b: int) -> str:
    """a + b or a - b for b >= 0 and any sign of a, brought back to non-negative columns."""
    result = a + b if op == "+" else a - b
    if a >= 0 and result >= 0:
        return work(a, op, b)
    if op == "-" and a >= 0:
        return f"{a}-{b} is below zero: {subtract(b, a)}, so {a}-{b}={result}"
    if op == "-":
        return f"{a}-{b} is further below zero: {add(-a, b)}, so {a}-{b}={result}"
    if result >= 0:
        return f"{a}+{b} is {b}-{-a}: {subtract(b, -a)}, so {a}+{b}={result}"
    return f"{a}+{b} stays below zero: {subtract(-a, b)}, so {a}+{b}={result}"

"""Verdicts per second of the cascade beside plain serial math-verify, on the same pairs.

    python -m benchmarks.verify

Golds and answers are made from a seed: a sixth each integers, decimals, fractions, sets, intervals
and expressions; half of the answers are the gold written anew, half are near misses.  Contenders
take turns; figures are medians.  Start-up (the workers' first call) is left out for both.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from fractions import Fraction

from thoughtmill.tasks.verifiers import Cascade, Claim, Exact, Symbolic, Workers, settled

Pair = tuple[str, str]
Maker = Callable[[random.Random], tuple[str, str, str]]
"""Makes a gold, the same thing written anew, and a near miss."""

DRAWS = 16


def _integer(rng: random.Random) -> tuple[str, str, str]:
    n = rng.randint(-99_999, 99_999)
    return str(n), rng.choice([f"{n}.0", f"{n:,}", f"${n}$"]), str(n + rng.choice([-1, 1, 10]))


def _decimal(rng: random.Random) -> tuple[str, str, str]:
    n = rng.randint(1, 99_999)
    return f"{n / 1000:.3f}", f"{n / 1000:.4f}", f"{(n + 1) / 1000:.3f}"


def _fraction(rng: random.Random) -> tuple[str, str, str]:
    f = Fraction(rng.randint(1, 99), rng.randint(2, 99))
    a, b, k = f.numerator, f.denominator, rng.randint(2, 5)
    return rf"\frac{{{a}}}{{{b}}}", rf"\dfrac{{{a * k}}}{{{b * k}}}", rf"\frac{{{a + 1}}}{{{b}}}"


def _set(rng: random.Random) -> tuple[str, str, str]:
    members = rng.sample(range(-50, 50), rng.randint(2, 4))
    other = [*members[:-1], members[-1] + 100]
    shuffled = rng.sample(members, len(members))
    return _braces(members), _braces(shuffled), _braces(other)


def _braces(members: list[int]) -> str:
    return r"\{" + ", ".join(map(str, members)) + r"\}"


def _interval(rng: random.Random) -> tuple[str, str, str]:
    low, width = rng.randint(-20, 20), rng.randint(1, 30)
    high = rf"\frac{{{2 * (low + width) + 1}}}{{2}}"
    left, right = rng.choice("[("), rng.choice("])")
    other = {"[": "(", "(": "["}[left]
    inside = f"{low}, {high}"
    return (
        f"{left}{inside}{right}",
        f"\\left{left}{inside}\\right{right}",
        f"{other}{inside}{right}",
    )


def _expression(rng: random.Random) -> tuple[str, str, str]:
    a, b, c = (rng.randint(2, 9) for _ in range(3))
    return rng.choice(
        [
            (f"(x+{a})(x-{b})", f"x^2 + {a - b}x - {a * b}", f"x^2 + {a - b}x + {a * b}"),
            (rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}", rf"{b}\sqrt{{{a}}}+1"),
            (rf"\frac{{{a}\pi}}{b}+{c}", rf"{c}+\frac{{\pi}}{b}\cdot {a}", rf"\frac{{{a}\pi}}{b}"),
            (rf"\frac{{{a}x}}{{y^{b}}}", rf"{a}xy^{{-{b}}}", rf"\frac{{{a}y}}{{x^{b}}}"),
        ]
    )  # fmt: skip


def _symbolic(rng: random.Random) -> tuple[str, str, str]:
    n, k = rng.randint(2, 9), rng.randint(3, 99)
    return rng.choice(
        [
            (rf"\int_0^1 {k}x^{n} dx", rf"\frac{{{k}}}{{{n + 1}}}", rf"\frac{{{k}}}{{{n}}}"),
            (rf"\sum_{{i=1}}^{{{k}}} i", str(k * (k + 1) // 2), str(k * (k - 1) // 2)),
            (f"{n}x+{k}y={n * k}", f"{n}x={n * k}-{k}y", f"{n}x-{k}y={n * k}"),
        ]
    )


MIX: tuple[Maker, ...] = (_integer, _decimal, _fraction, _set, _interval, _expression)


def distinct_pairs(makers: tuple[Maker, ...], count: int, seed: int) -> list[Pair]:
    """Gold and response of so many pairs, no two the same."""
    rng = random.Random(seed)
    pairs: dict[Pair, None] = {}
    while len(pairs) < count:
        gold, same, other = makers[len(pairs) % len(makers)](rng)
        answer = same if rng.random() < 0.5 else other
        pairs[gold, f"Step by step we arrive there. So it is $\\boxed{{{answer}}}$."] = None
    return list(pairs)


def drawn_pairs(makers: tuple[Maker, ...], items: int, seed: int) -> list[Pair]:
    """Sixteen draws for each item: the gold in two thirds of them, else a near miss."""
    rng = random.Random(seed)
    pairs = []
    for number in range(items):
        gold, same, other = makers[number % len(makers)](rng)
        for draw in range(DRAWS):
            answer = rng.choice([same, gold, other])
            pairs.append((gold, f"Attempt {draw} gets there. So it is $\\boxed{{{answer}}}$."))
    return pairs


def math_verify_serial(pairs: list[Pair]) -> list[str]:
    """math-verify as its README has it, one pair after the other."""
    from math_verify import parse, verify

    return [
        "correct" if verify(parse(f"${gold}$"), parse(response)) else "incorrect"
        for gold, response in pairs
    ]


def cascade(pairs: list[Pair], workers: Workers) -> list[str]:
    """The exact and the symbolic tier."""
    claims = [Claim(str(n), response, gold=gold) for n, (gold, response) in enumerate(pairs)]
    tiers = Cascade(tiers=(Exact(), Symbolic()))
    return [
        verdict.outcome if (verdict := settled(found)) else "undecided"
        for found in tiers.local(claims, workers)
    ]


def _forget() -> None:
    """Drop what the exact tier keeps between calls: each round starts cold."""
    from thoughtmill.tasks.answers.answers import readings

    readings.cache_clear()


def run(*, distinct: int = 600, items: int = 60, symbolic: int = 120, repeats: int = 3) -> None:
    """Print a Markdown table of medians."""
    print("| pairs | math-verify, serial | cascade | ratio | both decide | of these agree |")
    print("| --- | --- | --- | --- | --- | --- |")
    cases = {
        f"{distinct} distinct": distinct_pairs(MIX, distinct, 1),
        f"{items} items, {DRAWS} draws each": drawn_pairs(MIX, items, 2),
        f"{symbolic} distinct that need algebra": distinct_pairs((_symbolic,), symbolic, 3),
    }
    with Workers() as workers:
        math_verify_serial(cases[f"{distinct} distinct"][:12])
        cascade([("\\int_0^1 x dx", f"\\frac{{1}}{{{n}}}") for n in range(2, 6)], workers)
        for name, pairs in cases.items():
            theirs_s, ours_s = [], []
            for _ in range(repeats):
                started = time.perf_counter()
                theirs = math_verify_serial(pairs)
                theirs_s.append(time.perf_counter() - started)
                _forget()
                started = time.perf_counter()
                ours = cascade(pairs, workers)
                ours_s.append(time.perf_counter() - started)
            slow, fast = (len(pairs) / statistics.median(s) for s in (theirs_s, ours_s))
            both = [pair for pair in zip(theirs, ours, strict=True) if "undecided" not in pair]
            agree = sum(a == b for a, b in both)
            print(
                f"| {name} | {slow:,.0f}/s | {fast:,.0f}/s | {fast / slow:.1f}× "
                f"| {len(both)} of {len(pairs)} | {agree} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--distinct", type=int, default=600)
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--symbolic", type=int, default=120)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    run(distinct=args.distinct, items=args.items, symbolic=args.symbolic, repeats=args.repeats)


if __name__ == "__main__":
    main()

import time
from pathlib import Path

import pytest

from thoughtmill.tasks.verifiers import Cascade, Claim, Symbolic, settled
from thoughtmill.tasks.verifiers.batch import opinions
from thoughtmill.tasks.verifiers.verifier import Evidence


@pytest.mark.parametrize(
    ("gold", "answer", "outcome"),
    [
        (r"\int_0^1 x^2 dx", r"\frac{1}{3}", "correct"),
        (r"\int_0^1 x^2 dx", r"\frac{1}{2}", "incorrect"),
        (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}", "correct"),
        (r"\sum_{k=1}^{n} k", r"\frac{n(n-1)}{2}", "incorrect"),
        ("2x+3y=6", "2x+3y=7", "incorrect"),
        (r"\{1,2\}", r"\{2,1\}", "correct"),
        ("3 kg", "3 s", "incorrect"),
        ("3 kg", "3000 g", "undecided"),
        (r"\frac{1}{", "5", "undecided"),
        ("5", r"asdf %% \frac{", "undecided"),
        ("5", "She has five left over", "undecided"),
        ("83.3", r"\frac{250}{3}", "undecided"),
        (None, "5", "undecided"),
    ],
)
def test_symbolic_when_asked_then_outcome(workers, gold, answer, outcome):
    evidence = Evidence(gold, answer)
    assert opinions(Symbolic(), [evidence], workers)[evidence].outcome == outcome


HOSTILE = [
    "10**10**10",
    "10^{10^{10}}",
    "9**9**9**9",
    "9^{9^{9^{9}}}",
    "(10^9)!",
    "factorial(10**9)",
    r"\binom{10^{12}}{10^{11}}",
    "__import__('os').system('touch PWNED')",
    r"\text{__import__('os').system('touch PWNED')}",
    "open('PWNED','w')",
    "(" * 300 + "x" + ")" * 300,
    r"\frac{" * 200 + "1" + "}{2}" * 200,
    r"\sqrt{" * 100 + "2" + "}" * 100,
    "7" * 100_000,
    "x+" * 50_000 + "x",
    "word " * 20_000,
    r"\prod_{k=1}^{10^{7}} k",
    r"\int_0^{1} \sin(\sin(\sin(\sin(x^{x^{x}})))) dx",
    r"x^{1000}+x^{999}+y^{997}+3=z^{100}",
    "\x00\x01",
]  # fmt: skip


def test_cascade_when_pairs_are_hostile_then_each_has_a_verdict_in_time_and_nothing_ran(
    workers, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    claims = [
        Claim(str(n), response, gold=gold)
        for n, text in enumerate(HOSTILE)
        for gold, response in ((text, r"\boxed{5}"), ("5", rf"\boxed{{{text}}}"))
    ]
    cascade = Cascade(tiers=(*Cascade().tiers[:1], Symbolic(timeout_s=1.0)))
    started = time.monotonic()
    verdicts = [settled(found) for found in cascade.local(claims, workers)]
    assert time.monotonic() - started < 60
    assert len(verdicts) == len(claims)
    assert not any(verdict.outcome == "correct" for verdict in verdicts)
    assert all(verdict.reason for verdict in verdicts)
    assert not list(Path().rglob("PWNED"))


AGREE = [
    *("27", "27.0", "-27", r"\frac{1}{2}", "0.5", "1/2", "0.333333", r"\frac13", r"\pi", "3.14"),
    *(r"\sqrt{12}", r"2\sqrt{3}", "x^2+2x+1", "(x+1)^2", r"\{1,2\}", r"\{2,1\}", "(1,2)", "[1,2)"),
    *("(2,1)", r"(-\infty,2]", "x=5", "5", "50", r"\frac{2}{\sqrt{2}}", r"\sqrt{2}", "1.41421356"),
]  # fmt: skip


def test_exact_when_math_verify_decides_too_then_they_agree(workers):
    """Every pair of a table of answers, both ways round."""
    pairs = [Evidence(a, b) for a in AGREE for b in AGREE]
    exact = {pair: Cascade().tiers[0].opinion(pair).outcome for pair in pairs}
    symbolic = opinions(Symbolic(timeout_s=20), pairs, workers)
    both = [p for p in pairs if "undecided" not in (exact[p], symbolic[p].outcome)]
    assert len(both) > 0.4 * len(pairs)  # values of different sorts are left undecided
    assert [p for p in both if exact[p] != symbolic[p].outcome] == []

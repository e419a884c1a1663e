"""What must be accepted and what must be rejected: the table in `near_misses.txt`."""

from pathlib import Path

import pytest

from thoughtmill.tasks.verifiers import Cascade, Claim, Workers, settled


def table():
    """(type, gold, answer, outcome) of each pair."""
    kind = gold = ""
    for line in (Path(__file__).parent / "near_misses.txt").read_text().splitlines():
        head, _, rest = line.partition(" ")
        if line.startswith("["):
            kind = line.strip("[]")
        elif head == "gold":
            gold = rest
        elif head in ("same", "near"):
            outcome = "correct" if head == "same" else "incorrect"
            yield from ((kind, gold, answer, outcome) for answer in rest.split(" ~ "))


PAIRS = list(table())


@pytest.fixture(scope="module")
def verdicts():
    """The settled verdict of every pair, by (gold, answer), all judged in one batch."""
    pairs = list(dict.fromkeys((gold, answer) for _, gold, answer, _ in PAIRS))
    claims = [Claim(str(n), answer, gold=gold) for n, (gold, answer) in enumerate(pairs)]
    with Workers(2) as workers:
        found = Cascade().local(claims, workers)
    return {pair: settled(verdicts) for pair, verdicts in zip(pairs, found, strict=True)}


def test_table_when_counted_then_it_has_enough_near_misses_of_each_type():
    near = [pair for pair in PAIRS if pair[3] == "incorrect"]
    assert len(near) >= 150
    assert len({kind for kind, *_ in near}) >= 12
    assert len({pair[:3] for pair in PAIRS}) == len(PAIRS)


@pytest.mark.parametrize(("kind", "gold", "answer", "outcome"), PAIRS)
def test_pair_when_judged_then_same_is_accepted_and_near_miss_rejected(
    verdicts, kind, gold, answer, outcome
):
    verdict = verdicts[gold, answer]
    assert verdict.outcome == outcome, verdict

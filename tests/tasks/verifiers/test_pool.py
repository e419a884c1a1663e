import os
import time

import pytest

from thoughtmill.tasks.verifiers.pool import Done, Failed, Workers


def _eat():
    return len([bytearray(2**20) for _ in range(10**6)])


def behave(how):
    match how:
        case "spin":
            while True:
                pass
        case "spin in C":
            3 ** (10**9)
        case "sleep":
            time.sleep(1000)
        case "eat":
            _eat()
        case "swallow":
            try:
                _eat()
            except MemoryError:
                return "no difference", 0
        case "exit":
            os._exit(3)
        case "abort":
            os.abort()
        case "raise":
            raise ValueError("no")
    return how, os.getpid()


@pytest.fixture(scope="module")
def small():
    with Workers(2, memory_mb=700) as pool:
        yield pool


@pytest.mark.parametrize(
    ("how", "reason", "timeout_s"),
    [
        ("spin", "timeout", 0.5),
        ("spin in C", "timeout", 0.5),
        ("sleep", "timeout", 0.5),
        ("eat", "memory", 30),
        ("swallow", "memory", 30),
        ("exit", "crashed", 30),
        ("abort", "crashed", 30),
        ("raise", "crashed", 30),
    ],
)
def test_pool_when_a_call_fails_then_it_alone_is_lost(small, how, reason, timeout_s):
    results = small.map(behave, ["a", how, "b", "c"], timeout_s=timeout_s)
    assert isinstance(results[1], Failed)
    assert results[1].reason == reason
    assert [r.value[0] for r in results if isinstance(r, Done)] == ["a", "b", "c"]


def test_pool_when_closed_then_no_process_of_its_is_left():
    with Workers(1) as pool:
        (done,) = pool.map(behave, ["a"], timeout_s=5)
        pid = done.value[1]
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

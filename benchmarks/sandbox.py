"""Sessions and block round-trips per second of the sandbox, a fresh Python and an ipykernel.

    python -m benchmarks.sandbox

Every contender runs the same small sympy program, as many at a time as there are cores; they take
turns, and the figures are medians of the rounds.  The sandbox's start (once a worker) is left out;
`measure` waits 0.3 s for its last session, inside the CPU count but outside the clock.
The ipykernel rows need `pip install ipykernel jupyter_client` and are missing without.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from thoughtmill.tasks.sandbox import BubblewrapSandbox, Sandbox

PROGRAM = "import sympy as sp\nx = sp.symbols('x')\nprint(sp.solve(x**2 - 5*x + 6, x))"
ANSWER = "[2, 3]"
STEP = "n = n + 1\nn"
CORES = os.cpu_count() or 1
AIMS = {"fresh python -c": 15, "ipykernel": 30}
HAS_IPYKERNEL = all(map(importlib.util.find_spec, ("ipykernel", "jupyter_client")))


@dataclass(frozen=True)
class Cost:
    """What one of many equal things took."""

    per_second: float
    cpu_ms: float
    """CPU time of all processes, which other work on the machine disturbs less."""


def measure(work: Callable[[], Any], count: int, sandbox: Sandbox | None = None) -> Cost:
    """The cost of each of the `count` things that `work` does."""
    used = _cpu_s(sandbox)
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return Cost(count / seconds, 1000 * (_cpu_s(sandbox) - used) / count)


def _cpu_s(sandbox: Sandbox | None) -> float:
    """CPU time so far: ours, our children's that have ended, and all of a sandbox's processes."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    total = sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, who))
    if sandbox is not None:
        time.sleep(0.3)  # for the last session to be gone, and counted by its parent
        fields = {
            int(path.parent.name): path.read_text().rpartition(")")[2].split()
            for path in Path("/proc").glob("[0-9]*/stat")
        }
        found = {sandbox.pid}
        while more := {pid for pid, f in fields.items() if int(f[1]) in found} - found:
            found |= more
        ticks = sum(sum(map(int, fields[pid][11:15])) for pid in found)
        total += ticks / os.sysconf("SC_CLK_TCK")
    return total


def fresh_sessions(count: int) -> None:
    """A new interpreter for each program."""

    def one(_: int) -> None:
        done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
        _same(done.stdout.decode())

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(one, range(count)))


def kernel_sessions(count: int) -> None:
    """A new ipykernel for each program."""

    def one(_: int) -> None:
        manager, client = _kernel()
        try:
            _same(_ask(client, PROGRAM))
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(one, range(count)))


async def sandbox_sessions(sandbox: Sandbox, count: int) -> None:
    """A new session of a started sandbox for each program."""
    waiting = iter(range(count))

    async def some() -> None:
        for _ in waiting:
            async with sandbox.session() as session:
                _same((await session.run(PROGRAM)).output)

    async with asyncio.TaskGroup() as group:
        for _ in range(2 * CORES):
            group.create_task(some())


async def sandbox_blocks(sandbox: Sandbox, sessions: int, count: int) -> None:
    """Round-trips, one after the other in each of some sessions."""

    async def some() -> None:
        async with sandbox.session() as session:
            await session.run("n = 0")
            for step in range(count // sessions):
                result = await session.run(STEP)
                if result.output != f"{step + 1}\n":
                    raise RuntimeError(f"not {step + 1}: {result}")

    async with asyncio.TaskGroup() as group:
        for _ in range(sessions):
            group.create_task(some())


def kernel_blocks(count: int) -> Cost:
    """Round-trips in one kernel that is up; its own CPU time is not to be had while it lives."""
    manager, client = _kernel()
    try:
        _ask(client, "n = 0")
        return measure(lambda: [_ask(client, STEP) for _ in range(count)], count)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _kernel() -> tuple[Any, Any]:
    from jupyter_client.manager import KernelManager

    manager = KernelManager()
    manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    return manager, client


def _ask(client: Any, code: str) -> str:
    """What a block prints or echoes, once the kernel is idle again."""
    asked = client.execute(code)
    said = ""
    while True:
        message = client.get_iopub_msg(timeout=120)
        if message["parent_header"].get("msg_id") != asked:
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            said += content["text"]
        elif message["msg_type"] == "execute_result":
            said += content["data"]["text/plain"]
        elif message["msg_type"] == "error":
            raise RuntimeError(content["evalue"])
        elif content.get("execution_state") == "idle":
            client.get_shell_msg(timeout=120)
            return said


def _same(said: str) -> None:
    if said.strip() != ANSWER:
        raise RuntimeError(f"not {ANSWER}: {said!r}")


def run(rounds: int = 3) -> None:
    """Print both tables."""
    sessions: dict[str, list[Cost]] = {"sandbox": [], "fresh python -c": []}
    trips: dict[str, list[Cost]] = {"sandbox, 1 session": [], "sandbox, 8 sessions": []}
    if HAS_IPYKERNEL:
        sessions["ipykernel"] = []
        trips["ipykernel"] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sandbox = Sandbox(BubblewrapSandbox())
        runner.run(sandbox.start())
        runner.run(sandbox_sessions(sandbox, 8))

        def start(count: int) -> None:
            runner.run(sandbox_sessions(sandbox, count))

        def step(number: int, count: int) -> None:
            runner.run(sandbox_blocks(sandbox, number, count))

        for _ in range(rounds):
            sessions["sandbox"].append(measure(partial(start, 80), 80, sandbox))
            sessions["fresh python -c"].append(measure(partial(fresh_sessions, 6), 6))
            if HAS_IPYKERNEL:
                sessions["ipykernel"].append(measure(partial(kernel_sessions, 6), 6))
                trips["ipykernel"].append(kernel_blocks(200))
            trips["sandbox, 1 session"].append(measure(partial(step, 1, 4000), 4000, sandbox))
            trips["sandbox, 8 sessions"].append(measure(partial(step, 8, 4000), 4000, sandbox))
        runner.run(sandbox.close())
    _print("sessions, each with a sympy program", sessions)
    _print("block round-trips", trips)


def _print(what: str, costs: dict[str, list[Cost]]) -> None:
    print(f"\n| {what} | per second | sandbox does | CPU ms | sandbox takes | aim |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    ours: Cost | None = None
    for name, runs in costs.items():
        rate = statistics.median(cost.per_second for cost in runs)
        cpu_ms = statistics.median(cost.cpu_ms for cost in runs)
        ours = ours or Cost(rate, cpu_ms)
        ratios = f"{ours.per_second / rate:.1f}×", f"1/{cpu_ms / ours.cpu_ms:.1f}"
        aim = f"{AIMS[name]}×" if name in AIMS and "sandbox" in costs else ""
        print(f"| {name} | {rate:.1f} | {ratios[0]} | {cpu_ms:.2f} | {ratios[1]} | {aim} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    run(parser.parse_args().rounds)


if __name__ == "__main__":
    main()

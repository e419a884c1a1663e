from __future__ import annotations

import asyncio

from thoughtmill.tasks.teachers.throttle import Throttle


def test_refused_when_requests_of_one_round_fail_together_then_cut_once() -> None:
    async def storm() -> float:
        throttle = Throttle(16, slow_s=60)
        rounds = [await throttle.enter() for _ in range(16)]
        for round_ in rounds:
            throttle.refused(round_)
            throttle.leave()
        return throttle.limit

    assert asyncio.run(storm()) == 8


def test_limit_when_refused_without_end_then_one_and_back_to_most_after_answers() -> None:
    async def season() -> tuple[float, float]:
        throttle = Throttle(16, slow_s=60)
        for _ in range(20):
            throttle.refused(await throttle.enter())
            throttle.leave()
        lowest = throttle.limit
        for _ in range(200):
            busy = [await throttle.enter() for _ in range(int(throttle.limit))]
            for round_ in busy:
                throttle.answered(round_, 0.1, 10)
            for _ in busy:
                throttle.leave()
        return lowest, throttle.limit

    assert asyncio.run(season()) == (1.0, 16.0)


def test_answered_when_late_because_long_then_limit_stays_and_when_loaded_then_cut() -> None:
    async def season() -> tuple[float, float]:
        throttle = Throttle(8, slow_s=10)
        for seconds, tokens in [(1.0, 100)] * 5 + [(50.0, 5000)] * 5:
            throttle.answered(await throttle.enter(), seconds, tokens)
            throttle.leave()
        long = throttle.limit
        for _ in range(40):
            throttle.answered(await throttle.enter(), 50.0, 500)
            throttle.leave()
        return long, throttle.limit

    long, loaded = asyncio.run(season())
    assert long == 8
    assert loaded < 8


def test_enter_when_waiters_are_cancelled_then_turns_are_not_lost() -> None:
    async def season() -> int:
        throttle = Throttle(1, slow_s=60)
        await throttle.enter()
        waiting = [asyncio.create_task(throttle.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()  # while it waits
        throttle.leave()
        waiting[1].cancel()  # after it was given the turn
        await asyncio.wait_for(waiting[2], 1)
        await asyncio.wait(waiting)
        return throttle.active

    assert asyncio.run(season()) == 1


def test_enter_when_again_then_before_those_not_tried_yet() -> None:
    async def season() -> list[str]:
        throttle = Throttle(1, slow_s=60)
        await throttle.enter()
        order: list[str] = []

        async def take(name: str, again: bool) -> None:
            await throttle.enter(again=again)
            order.append(name)
            throttle.leave()

        async with asyncio.TaskGroup() as group:
            group.create_task(take("new", False))
            await asyncio.sleep(0)
            group.create_task(take("retry", True))
            await asyncio.sleep(0)
            throttle.leave()
        return order

    assert asyncio.run(season()) == ["retry", "new"]

"""How many requests an endpoint gets at once: fewer after each pushback, more after answers.

Additive increase, multiplicative decrease (Chiu and Jain 1989), with one decrease a round: of the
requests already under way when the limit was cut, none can cut it again.  It owns turns and their
number; it never sends anything and never decides whether a request is tried again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

_CUT = 0.5
_SLOW_CUT = 0.9
_SMOOTHING = 0.05


class Throttle:
    """Turns for at most `limit` requests at once, 1 <= limit <= most; starts at `most`.

    Use: `round_ = await enter()`, then `answered` or `refused` with that round, and always `leave`.
    """

    def __init__(self, most: int, *, slow_s: float) -> None:
        self.limit = float(most)
        """Requests allowed at once; its whole part counts."""
        self.active = 0
        """Requests under way."""
        self.served = 0
        """Answers so far: whoever is refused while this grows is queueing, not failing."""
        self._most = most
        self._step = max(1.0, most / 16)
        self._slow_s = slow_s
        self._round = 0
        self._pace = 0.0
        self._best_pace = float("inf")
        self._pauses = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, *, again: bool = False) -> int:
        """Wait for a turn; `again` goes before those who have not been tried yet.

        Returns the round, to be handed to `answered` or `refused`.
        """
        if self._waiting or self._pauses or self.active >= int(self.limit):
            turn = asyncio.get_running_loop().create_future()
            (self._waiting.appendleft if again else self._waiting.append)(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.cancelled():
                    with suppress(ValueError):  # `_wake` may have thrown it out already
                        self._waiting.remove(turn)
                else:  # cancelled after the turn was given: pass it on
                    self.leave()
                raise
        else:
            self.active += 1
        return self._round

    def leave(self) -> None:
        """Give the turn back."""
        self.active -= 1
        self._wake()

    def answered(self, round_: int, seconds: float, tokens: int) -> None:
        """An answer of `tokens` tokens came after `seconds`; 0 tokens where that is not known.

        An answer later than `slow_s` cuts gently, provided that the seconds for each token have
        doubled against the endpoint's best: a thought that is just long is no sign of load.
        """
        self.served += 1
        if tokens:
            pace = seconds / tokens
            self._pace += (pace - self._pace) * (_SMOOTHING if self._pace else 1.0)
            self._best_pace = min(self._best_pace, self._pace)
            if seconds > self._slow_s and pace > 2 * self._best_pace:
                self._cut(round_, _SLOW_CUT)
                return
        if self.limit < self._most and self.active >= int(self.limit):
            self.limit = min(self._most, self.limit + self._step / self.limit)

    def refused(self, round_: int) -> None:
        """The endpoint pushed back: too many requests, a server error, a timeout, a lost line."""
        self._cut(round_, _CUT)

    def pause(self, seconds: float) -> None:
        """Give no turn for `seconds`, as the endpoint asked."""
        self._pauses += 1
        asyncio.get_running_loop().call_later(seconds, self._resume)

    def _cut(self, round_: int, factor: float) -> None:
        if round_ == self._round:
            self._round += 1
            self.limit = max(1.0, self.limit * factor)

    def _resume(self) -> None:
        self._pauses -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and not self._pauses and self.active < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.active += 1
                turn.set_result(None)

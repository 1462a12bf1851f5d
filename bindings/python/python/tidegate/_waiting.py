"""Waiting on an event loop: nobody polls, nobody overtakes, and no thread is held."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import TYPE_CHECKING

from ._clock import ManualClock

if TYPE_CHECKING:
    from ._tidegate import Decision, Limiter

#: Longer than this no timer is set; whoever wakes looks again.
_DAY = 86_400.0


class _Turn:
    """A place in the queue of a key, on one loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.woken = self.loop.create_future()

    def wake(self) -> None:
        """Ends the sleep that it is in, if it is in one. On its own loop only."""
        if not self.woken.done():
            self.woken.set_result(None)

    def wake_from_any_thread(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.wake)

    async def sleep(self, seconds: float | None) -> None:
        """Until woken, or until so many seconds have passed."""
        self.woken = self.loop.create_future()
        await asyncio.wait([self.woken], timeout=seconds)


class Turns:
    """All who wait for one limiter on event loops.

    Those of one loop stand in one queue for each key; only the first asks the limiter.
    """

    def __init__(self, clock: object) -> None:
        self._manual = clock if isinstance(clock, ManualClock) else None
        self._queues: dict[tuple[int, bytes], deque[_Turn]] = {}

    async def acquire(self, limiter: Limiter, key: str | bytes, cost: int, timeout: float | None) -> Decision:
        turn = _Turn()
        name = (id(turn.loop), _as_bytes(key))
        queue = self._queues.setdefault(name, deque())
        queue.append(turn)
        if self._manual is not None:
            self._manual._listeners.add(turn.wake_from_any_thread)
        try:
            return await self._wait(limiter, key, cost, timeout, turn, queue)
        finally:
            if self._manual is not None:
                self._manual._listeners.discard(turn.wake_from_any_thread)
            self._leave(name, turn, queue)

    async def _wait(
        self,
        limiter: Limiter,
        key: str | bytes,
        cost: int,
        timeout: float | None,
        turn: _Turn,
        queue: deque[_Turn],
    ) -> Decision:
        now = self._manual.now if self._manual is not None else time.monotonic
        deadline = now() + (math.inf if timeout is None else timeout)
        while True:
            wait = left = deadline - now()
            if queue[0] is turn or left <= 0:
                decision = limiter.check(key, cost)
                due = decision.retry_after
                if due is None or due > left:
                    return decision
                wait = due
            # A manual clock wakes us when it moves.
            await turn.sleep(None if self._manual is not None else min(wait, _DAY))

    def _leave(self, name: tuple[int, bytes], turn: _Turn, queue: deque[_Turn]) -> None:
        queue.remove(turn)
        if queue:
            queue[0].wake()
        else:
            del self._queues[name]

    def wake(self, key: str | bytes) -> None:
        """Lets the first of every loop look again, since the key has got something back."""
        if self._queues:
            name = _as_bytes(key)
            firsts = [
                queue[0] for (_, waited), queue in tuple(self._queues.items()) if waited == name and queue
            ]
            for first in firsts:
                first.wake_from_any_thread()


def _as_bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key

"""Waiting on an event loop: nobody polls, nobody overtakes, and no thread is held."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from typing import TYPE_CHECKING

from ._clock import ManualClock
from ._errors import UnavailableError

if TYPE_CHECKING:
    from ._tidegate import Decision, Limiter

#: Longer than this no timer is set; whoever wakes looks again.
_DAY = 86_400.0


class _Turn:
    """A place in a queue: what is asked for, until when, and the answer."""

    __slots__ = ("answer", "cost", "deadline", "key")

    def __init__(self, key: str | bytes, cost: int, deadline: int) -> None:
        self.key = key
        self.cost = cost
        self.deadline = deadline
        self.answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()

    def tell(self, decision: Decision) -> None:
        if not self.answer.done():
            self.answer.set_result(decision)

    def is_admitted(self) -> bool:
        answer = self.answer
        return answer.done() and not answer.cancelled() and not answer.exception() and bool(answer.result())


class _Queue:
    """Those of one loop who wait for one key of a limiter.

    Whoever looks asks for the first, and only for the first: a newcomer, the timer, who gives something
    back. What the first is told bounds the waiting of all, since nobody passes it: who has no time until
    then gets the first's denial at once, and for the others one timer is enough.
    """

    def __init__(self, turns: Turns, limiter: Limiter, name: bytes) -> None:
        self.loop = asyncio.get_running_loop()
        self.name = name
        self._all = turns
        self._limiter = limiter
        self._turns: deque[_Turn] = deque()
        self._timer: asyncio.TimerHandle | None = None
        #: Nobody's time is over before.
        self._earliest: float = math.inf

    def join(self, turn: _Turn) -> None:
        self._turns.append(turn)
        self._earliest = min(self._earliest, turn.deadline)
        self.look()

    def leave(self, turn: _Turn) -> None:
        if turn in self._turns:
            was_first = self._turns[0] is turn
            self._turns.remove(turn)
            if was_first:
                self.look()

    def look(self) -> None:
        """Answers whom it can. On its own loop only."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.loop.is_closed():
            self._turns.clear()
        while self._turns:
            denial = self._ask_for_first()
            if denial is not None:
                self._wait_out(denial)
                return
        self._all.forget(self)

    def _ask_for_first(self) -> Decision | None:
        """The denial of a first who waits on; None when it has its answer, and another is first."""
        first = self._turns[0]
        if not first.answer.done():
            try:
                decision = self._limiter.check(first.key, first.cost)
            except Exception as error:
                first.answer.set_exception(error)
            else:
                if not decision and _due(decision) <= first.deadline:
                    return decision
                first.tell(decision)
        self._turns.popleft()
        return None

    def _wait_out(self, denial: Decision) -> None:
        """Sleeps until the first can pass, without those who have no time for that."""
        due = _due(denial)
        if self._earliest < due:
            for turn in self._turns:
                if turn.deadline < due:
                    turn.tell(denial)
            self._turns = deque(turn for turn in self._turns if turn.deadline >= due)
            self._earliest = min(turn.deadline for turn in self._turns)
        # A manual clock wakes us when it moves.
        if self._all.manual is None:
            seconds = (due - self._limiter.now_ns) / 1e9
            self._timer = self.loop.call_later(min(max(seconds, 0), _DAY), self.look)

    def look_from_any_thread(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.look)


class Turns:
    """All who wait for one limiter on event loops, in a queue for each loop and key."""

    def __init__(self, clock: object) -> None:
        self.manual = clock if isinstance(clock, ManualClock) else None
        self._queues: dict[tuple[int, bytes], _Queue] = {}

    async def acquire(self, limiter: Limiter, key: str | bytes, cost: int, timeout: float | None) -> Decision:
        name, deadline = limiter._wait(key, cost, timeout)
        turn = _Turn(key, cost, deadline)
        queue = self._queue(limiter, name)
        queue.join(turn)
        try:
            return await turn.answer
        except (asyncio.CancelledError, GeneratorExit):
            queue.leave(turn)
            if turn.is_admitted():
                # Cancelled before it could hear of it. What can't be given back is lost.
                with contextlib.suppress(UnavailableError):
                    limiter.refund(key, cost)
            raise

    def _queue(self, limiter: Limiter, name: bytes) -> _Queue:
        place = (id(asyncio.get_running_loop()), name)
        queue = self._queues.get(place)
        if queue is None:
            queue = self._queues[place] = _Queue(self, limiter, name)
            if self.manual is not None:
                self.manual._listeners.add(queue.look_from_any_thread)
        return queue

    def forget(self, queue: _Queue) -> None:
        """An empty queue goes."""
        place = (id(queue.loop), queue.name)
        if self._queues.get(place) is queue:
            del self._queues[place]
            if self.manual is not None:
                self.manual._listeners.discard(queue.look_from_any_thread)

    def wake(self, key: str | bytes) -> None:
        """Lets every loop look again, since the key has got something back."""
        if self._queues:
            name = key.encode() if isinstance(key, str) else key
            for queue in tuple(self._queues.values()):
                if queue.name == name:
                    queue.look_from_any_thread()


def _due(denial: Decision) -> int:
    """When what was denied can pass, by the limiter's time in nanoseconds."""
    return denial.at_ns + (denial.retry_after_ns or 0)

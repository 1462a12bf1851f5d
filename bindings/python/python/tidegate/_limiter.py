"""`Limiter`: the native one, and what is best said in Python: event loops and decorators."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from . import _tidegate
from ._errors import RateLimited
from ._waiting import Turns

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable, Mapping

    from typing_extensions import Self

    from ._tidegate import Decision, Policy

    Key = str | bytes

F = TypeVar("F", bound="Callable[..., Any]")


class Limiter(_tidegate.Limiter):
    """A policy with its table of keys, usable from any number of threads at once.

        >>> limiter = Limiter("100/minute; 10/second token-bucket")
        >>> limiter.allow("alice")
        True

    Args:
        policy: The notation, or a `Policy` such as ``PolicyFile("policies.toml")["free"]``.
        max_keys: How many keys can be counted at once, 100,000 by default. This bounds the memory.
        segment: A file whose table all processes share that open it, in whatever language; the first
            makes it. In ``/dev/shm`` it lasts until the machine restarts. Linux only.
        anonymous_segment: Shares the table with the processes that are forked from this one.
        clock: ``"precise"``, ``"coarse"`` (its lag of some ms is added to every window), or a
            `ManualClock`. By default the one that suits the policy.
        on_full: What a new key is told when the table is full of keys that still count:
            ``"overflow"`` (newcomers share one quota), ``"deny"`` or ``"allow"``.
        on_unavailable: What a check says when a shared table cannot be had: ``"deny"`` or ``"allow"``.
        on_fork: What happens when a table of this process alone is used in a child of it, which would
            count apart: ``"warn"`` (`ForkWarning`, once), ``"raise"`` (`ForkError`) or ``"ignore"``.

    Raises:
        NotationError: The policy cannot be read.
        InvalidError: Options that contradict each other or cannot be had.
        SegmentError: The segment cannot be opened or made.
        UnavailableError: No memory for the table.
    """

    __slots__ = ("_turns",)
    _turns: Turns

    def __new__(
        cls,
        policy: str | Policy,
        *,
        max_keys: int | None = None,
        segment: str | os.PathLike[str] | None = None,
        anonymous_segment: bool = False,
        clock: Literal["precise", "coarse"] | _tidegate.ManualClock | None = None,
        on_full: Literal["overflow", "deny", "allow"] = "overflow",
        on_unavailable: Literal["deny", "allow"] = "deny",
        on_fork: Literal["warn", "raise", "ignore"] = "warn",
    ) -> Self:
        self = super().__new__(
            cls,
            policy,
            max_keys=max_keys,
            segment=segment,
            anonymous_segment=anonymous_segment,
            clock=clock,
            on_full=on_full,
            on_unavailable=on_unavailable,
            on_fork=on_fork,
        )
        self._turns = Turns(clock)
        return self

    async def acquire_async(self, key: Key, cost: int = 1, timeout: float | None = None) -> Decision:
        """Waits as `acquire` does, on the event loop: no thread is held, nothing polls.

        Those who wait for one key on one loop are admitted in the order of their calls: nobody takes
        anything while somebody is ahead, whatever the costs. Who has fewer seconds left than the first must
        wait gets the first's denial at once. So the decision is the admission, or the denial that stood
        when waiting ended. Cancelling takes nothing.

        Raises:
            InvalidError: As `acquire`, at once, whoever is ahead.
        """
        return await self._turns.acquire(self, key, cost, timeout)

    def refund(self, key: Key, cost: int | Mapping[str, int] = 1) -> None:
        super().refund(key, cost)
        self._turns.wake(key)

    def reset(self, key: Key) -> None:
        super().reset(key)
        self._turns.wake(key)

    def limit(
        self,
        key: Key | Callable[..., Key],
        *,
        cost: int | Callable[..., int] = 1,
        wait: float | None = 0.0,
    ) -> Callable[[F], F]:
        """Puts the limiter before a function, plain or ``async``; before all of an ``async`` generator.

            >>> @limiter.limit(key=lambda user, *_: user)
            ... def send(user, text): ...

        Args:
            key: The key, or a function of the call's arguments that gives it.
            cost: The cost, or a function of the call's arguments that gives it.
            wait: How many seconds a call may wait for its turn; 0 not at all, None for ever.

        Raises:
            RateLimited: By the function, when a call is beyond the limit. It has not run then.
        """

        def decorate(function: F) -> F:
            if _is_called_as(inspect.iscoroutinefunction, function):
                return cast("F", self._limit_async(function, key, cost, wait))
            if _is_called_as(inspect.isasyncgenfunction, function):
                return cast("F", self._limit_async_generator(function, key, cost, wait))
            return cast("F", self._limit_sync(function, key, cost, wait))

        return decorate

    def _limit_sync(self, function: Any, key: Any, cost: Any, wait: float | None) -> Callable[..., Any]:
        @functools.wraps(function)
        def limited(*args: Any, **kwargs: Any) -> Any:
            name, units = _of_call(key, args, kwargs), _of_call(cost, args, kwargs)
            _passed(self.check(name, units) if wait == 0 else self.acquire(name, units, wait))
            return function(*args, **kwargs)

        return limited

    def _limit_async(self, function: Any, key: Any, cost: Any, wait: float | None) -> Callable[..., Any]:
        @functools.wraps(function)
        async def limited(*args: Any, **kwargs: Any) -> Any:
            name, units = _of_call(key, args, kwargs), _of_call(cost, args, kwargs)
            _passed(await self._ask_async(name, units, wait))
            return await function(*args, **kwargs)

        return limited

    def _limit_async_generator(
        self, function: Any, key: Any, cost: Any, wait: float | None
    ) -> Callable[..., Any]:
        @functools.wraps(function)
        async def limited(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            name, units = _of_call(key, args, kwargs), _of_call(cost, args, kwargs)
            _passed(await self._ask_async(name, units, wait))
            # What `yield from` does for plain generators.
            async with contextlib.aclosing(function(*args, **kwargs)) as generator:
                step = generator.asend(None)
                while True:
                    try:
                        item = await step
                    except StopAsyncIteration:
                        return
                    try:
                        step = generator.asend((yield item))
                    except GeneratorExit:
                        raise
                    except BaseException as thrown:
                        step = generator.athrow(thrown)

        return limited

    async def _ask_async(self, name: Key, units: int, wait: float | None) -> Decision:
        return self.check(name, units) if wait == 0 else await self.acquire_async(name, units, wait)


def _is_called_as(kind: Callable[[object], bool], function: Any) -> bool:
    """Whether a call of it is one of that kind: a function's own, or that of an object with ``__call__``."""
    return kind(function) or kind(type(function).__call__)


def _of_call(value: Any, args: Any, kwargs: Any) -> Any:
    return value(*args, **kwargs) if callable(value) else value


def _passed(decision: Decision) -> None:
    if not decision:
        raise RateLimited(decision)

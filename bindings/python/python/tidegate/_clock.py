"""Time for tests that moves only when told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _tidegate

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self


class ManualClock(_tidegate.ManualClock):
    """A clock for tests: it stands still until it is moved, and wakes those who wait on it.

        >>> clock = ManualClock()
        >>> limiter = Limiter("1/minute", clock=clock)
        >>> limiter.allow("alice"), limiter.allow("alice")
        (True, False)
        >>> clock.advance(60)
        >>> limiter.allow("alice")
        True

    ``start`` is in seconds, and counts as Unix time where headers ask for a date.
    """

    __slots__ = ("_listeners",)
    _listeners: set[Callable[[], None]]

    def __new__(cls, start: float = 0.0) -> Self:
        self = super().__new__(cls, start)
        self._listeners = set()
        return self

    def advance(self, seconds: float) -> None:
        """Moves the time forward. Raises `InvalidError` for less than 0."""
        super().advance(seconds)
        self._tell()

    def set(self, seconds: float) -> None:
        """Sets the time, backwards too."""
        super().set(seconds)
        self._tell()

    def set_ns(self, nanoseconds: int) -> None:
        """Sets the time in nanoseconds, backwards too."""
        super().set_ns(nanoseconds)
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

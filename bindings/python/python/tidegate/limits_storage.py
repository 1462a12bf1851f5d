"""A storage for the ``limits`` library, and so for Flask-Limiter and slowapi.

    import tidegate.limits_storage  # makes tidegate:// known to limits

    Limiter(get_remote_address, storage_uri="tidegate:///dev/shm/api")  # or "tidegate://" for this process

``tidegate://`` counts in the process, ``tidegate:///path/to/segment`` in files beside that path, one for
each limit, which all processes share. ``async+tidegate`` is the same for ``limits.aio``. Options are those
of `tidegate.Limiter` (``max_keys``, ``on_full``, ``clock``, …), but for ``anonymous_segment``: a limit's
table is made when the limit is first met, so in each worker by itself, after the fork.

All strategies of ``limits`` are there, and exact. ``moving-window`` is a sliding-window log;
``sliding-window-counter`` is the same log under keys of its own, not an estimate. A ``fixed-window`` begins
with a key's first request. What is refused takes nothing, whatever its cost.
"""

from __future__ import annotations

import functools
import os
import time
import urllib.parse
from pathlib import Path
from typing import Any

from limits.aio.storage import MovingWindowSupport as AsyncMovingWindowSupport
from limits.aio.storage import SlidingWindowCounterSupport as AsyncSlidingWindowCounterSupport
from limits.aio.storage import Storage as AsyncStorage
from limits.errors import ConfigurationError
from limits.limits import GRANULARITIES
from limits.storage import MovingWindowSupport, SlidingWindowCounterSupport, Storage

from ._errors import Error, InvalidError
from ._limiter import Limiter


class _Counts:
    """A limiter for each limit, made when the limit is first met."""

    def __init__(self, uri: str | None, options: dict[str, Any]) -> None:
        self._path = _path(uri or "")
        if options.get("anonymous_segment"):
            raise ConfigurationError(
                "anonymous_segment: a table is made when its limit is first met, and what a worker makes is"
                " shared with no other: give a path that all share, as in tidegate:///dev/shm/my-api"
            )
        self._options = options
        self._limiters: dict[tuple[int, int], Limiter] = {}
        self._met: set[tuple[int, int]] = set()
        Limiter("1/second", segment=None, **options)  # says now what is wrong with the options

    def limiter(self, quota: int, window: int) -> Limiter:
        return self._limiters.get((quota, window)) or self._made(quota, window)

    def _made(self, quota: int, window: int) -> Limiter:
        self._met.add((quota, window))
        segment = f"{self._path}.{quota}-{window}" if self._path else None
        made = Limiter(f"limit: {quota}/{window}s", segment=segment, **self._options)
        return self._limiters.setdefault((quota, window), made)

    def check(self) -> bool:
        """Whether every limit that was asked for can be counted."""
        try:
            for quota, window in tuple(self._met):
                self.limiter(quota, window)
        except Error:
            return False
        return self._path is None or os.access(self._path.parent, os.W_OK | os.X_OK)

    def reset(self) -> None:
        if self._path:
            raise NotImplementedError("other processes count in the segment too: clear keys one by one")
        self._limiters.clear()

    # The sliding-window log: its key is that of the limit.

    def take(self, key: str, quota: int, window: int, cost: int) -> bool:
        # To `limits`, what costs nothing is admitted, and what can never be admitted is denied.
        return cost == 0 or (cost <= quota and self.limiter(quota, window).allow(key, cost))

    def taken(self, key: str, quota: int, window: int) -> tuple[int, float]:
        """How much is in the window, and for how many seconds what remains is promised."""
        if quota == 0:
            return 0, float(window)
        status = self.limiter(quota, window).peek(key).limits[0]
        return quota - status.remaining, status.effective_window

    # A fixed window: an event in a log of one says that it is there and when it ends; the end names
    # the key that counts in it.

    def incr(self, key: str, cost: int) -> int:
        quota, window = _limit_of(key)
        if cost == 0:
            return self.get(key)
        if cost > quota:
            return quota + cost
        windows, counts = self.limiter(1, window), self.limiter(quota, window)
        while True:
            opened = windows.check(f"{key}@")
            end = opened.at_ns + opened.reset_after_ns
            decision = counts.check(f"{key}@{end}", cost)
            if not decision:
                return quota + cost
            # Of a key that could not be counted there is no window to look at again.
            if windows.now_ns < end or not opened.tracked:
                return quota - decision.remaining
            counts.refund(f"{key}@{end}", cost)  # the window has ended meanwhile

    def present(self, key: str) -> tuple[int, float]:
        """How much is taken of the present window, and in how many seconds it ends."""
        quota, window = _limit_of(key)
        opened = self.limiter(1, window).peek(f"{key}@")
        if opened.remaining or quota == 0:
            return 0, 0.0
        end = opened.at_ns + opened.reset_after_ns
        return quota - self.limiter(quota, window).peek(f"{key}@{end}").remaining, opened.reset_after

    def get(self, key: str) -> int:
        return self.present(key)[0]

    def get_expiry(self, key: str) -> float:
        return time.time() + self.present(key)[1]

    def clear(self, key: str) -> None:
        quota, window = _limit_of(key)
        if quota == 0:
            return
        windows, counts = self.limiter(1, window), self.limiter(quota, window)
        opened = windows.peek(f"{key}@")
        counts.reset(f"{key}@{opened.at_ns + opened.reset_after_ns}")
        windows.reset(f"{key}@")
        counts.reset(key)

    # Both of the window strategies that `limits` asks with the limit's own key.

    def moving_window(self, key: str, quota: int, window: int) -> tuple[float, int]:
        taken, reset = self.taken(key, quota, window)
        return time.time() + reset - window if taken else time.time(), taken

    def sliding_window(self, key: str, window: int) -> tuple[int, float, int, float]:
        """Nothing of a window before, and all in the present one: so the estimate is exact."""
        taken, reset = self.taken(f"{key}~", _limit_of(key)[0], window)
        # `limits` takes the remainder of the present window's end by its length.
        return 0, 0.0, taken, min(reset, window - 1e-6)

    def clear_sliding(self, key: str, window: int) -> None:
        if quota := _limit_of(key)[0]:
            self.limiter(quota, window).reset(f"{key}~")


def _path(uri: str) -> Path | None:
    """The segment that a URI names; None for a table of this process."""
    parts = urllib.parse.urlsplit(uri)
    if parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{uri!r}: tidegate:// takes an absolute path and nothing else: tidegate:///dev/shm/my-api"
        )
    if not parts.path:
        return None
    path = Path(urllib.parse.unquote(parts.path))
    if not path.name:
        raise ConfigurationError(f"{uri!r} names a directory: give the segment a name in it")
    if not path.parent.is_dir():
        raise ConfigurationError(f"{uri!r}: there is no directory {path.parent}")
    return path


def _limit_of(key: str) -> tuple[int, int]:
    """Quota and window, which a key made by `RateLimitItem.key_for` ends with."""
    try:
        return _limit(*key.rsplit("/", 3)[1:])
    except (TypeError, ValueError, KeyError):
        raise InvalidError(f"{key!r} is no key of a limit: such a key ends as in `…/100/1/minute`") from None


@functools.lru_cache(maxsize=1024)
def _limit(amount: str, multiples: str, granularity: str) -> tuple[int, int]:
    return int(amount), int(multiples) * GRANULARITIES[granularity].GRANULARITY.seconds


class TidegateStorage(Storage, MovingWindowSupport, SlidingWindowCounterSupport):
    """The storage for ``tidegate://``."""

    STORAGE_SCHEME = ["tidegate"]  # noqa: RUF012, as its base has it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions)
        self._counts = _Counts(uri, options)

    @property
    def base_exceptions(self) -> type[Exception]:
        return Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._counts.incr(key, amount)

    def get(self, key: str) -> int:
        return self._counts.get(key)

    def get_expiry(self, key: str) -> float:
        return self._counts.get_expiry(key)

    def check(self) -> bool:
        return self._counts.check()

    def reset(self) -> None:
        self._counts.reset()

    def clear(self, key: str) -> None:
        self._counts.clear(key)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self._counts.take(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return self._counts.moving_window(key, limit, expiry)

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self._counts.take(f"{key}~", limit, expiry, amount)

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        return self._counts.sliding_window(key, expiry)

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        self._counts.clear_sliding(key, expiry)


class AsyncTidegateStorage(AsyncStorage, AsyncMovingWindowSupport, AsyncSlidingWindowCounterSupport):
    """The storage for ``async+tidegate://``. Nothing in it waits."""

    STORAGE_SCHEME = ["async+tidegate"]  # noqa: RUF012, as its base has it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions)
        self._counts = _Counts(uri, options)

    @property
    def base_exceptions(self) -> type[Exception]:
        return Error

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._counts.incr(key, amount)

    async def get(self, key: str) -> int:
        return self._counts.get(key)

    async def get_expiry(self, key: str) -> float:
        return self._counts.get_expiry(key)

    async def check(self) -> bool:
        return self._counts.check()

    async def reset(self) -> None:
        self._counts.reset()

    async def clear(self, key: str) -> None:
        self._counts.clear(key)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self._counts.take(key, limit, expiry, amount)

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return self._counts.moving_window(key, limit, expiry)

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self._counts.take(f"{key}~", limit, expiry, amount)

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        return self._counts.sliding_window(key, expiry)

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        self._counts.clear_sliding(key, expiry)

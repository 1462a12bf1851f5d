"""A storage for the ``limits`` library, and so for Flask-Limiter and slowapi.

    import tidegate.limits_storage

    Limiter(get_remote_address, storage_uri="tidegate:///dev/shm/api")  # or "tidegate://" for this process

``tidegate://`` counts in the process, ``tidegate:///path/to/segment`` in files beside that path, one for
each limit, which all processes share. ``async+tidegate`` is the same for ``limits.aio``. Options are those
of `tidegate.Limiter` (``max_keys``, ``on_full``, …).

Both strategies are exact. ``moving-window`` is a sliding-window log. ``fixed-window`` counts in windows
that begin at multiples of their length since 1970, and not with a client's first request; what the storage
keeps of a key is told by the key that ``limits`` makes of its limit.
"""

from __future__ import annotations

import time
import urllib.parse
from typing import Any

import limits
from limits.aio.storage import MovingWindowSupport as AsyncMovingWindowSupport
from limits.aio.storage import Storage as AsyncStorage
from limits.storage import MovingWindowSupport, Storage

from ._errors import CostAboveQuotaError, Error
from ._limiter import Limiter

_SECONDS = {
    granularity.name: granularity.seconds
    for granularity in (item.GRANULARITY for item in limits.limits.GRANULARITIES.values())
}


class _Counts:
    """Limiters by limit, made when a limit is first met."""

    def __init__(self, uri: str | None, options: dict[str, Any]) -> None:
        self._path = urllib.parse.unquote(urllib.parse.urlparse(uri or "").path)
        self._options = options
        self._limiters: dict[tuple[int, int], Limiter] = {}

    def limiter(self, quota: int, window: int) -> Limiter:
        found = self._limiters.get((quota, window))
        return found or self._limiters.setdefault((quota, window), self._made(quota, window))

    def _made(self, quota: int, window: int) -> Limiter:
        segment = f"{self._path}.{quota}-{window}" if self._path else None
        return Limiter(f"limit: {quota}/{window}s", segment=segment, **self._options)

    def take(self, key: str, quota: int, window: int, cost: int) -> bool:
        try:
            return self.limiter(quota, window).allow(key, cost)
        except CostAboveQuotaError:
            return False

    def moving_window(self, key: str, quota: int, window: int) -> tuple[float, int]:
        """Where the window begins, in Unix time, and how much is in it."""
        status = self.limiter(quota, window).peek(key).limits[0]
        return time.time() + status.effective_window - window, quota - status.remaining

    def fixed_window(self, key: str) -> tuple[Limiter, str, int, float]:
        """Of the present window of a key: its limiter, its own key, its quota and its end."""
        *_, amount, multiples, granularity = key.split("/")
        quota, window = int(amount), int(multiples) * _SECONDS[granularity]
        index = int(time.time() // window)
        return self.limiter(quota, window), f"{key}@{index}", quota, (index + 1) * window

    def incr(self, key: str, cost: int) -> int:
        limiter, name, quota, _ = self.fixed_window(key)
        try:
            decision = limiter.check(name, cost)
        except CostAboveQuotaError:
            return quota + cost
        return quota - decision.remaining if decision else quota + cost

    def get(self, key: str) -> int:
        limiter, name, quota, _ = self.fixed_window(key)
        return quota - limiter.peek(name).remaining

    def clear(self, key: str) -> None:
        limiter, name, _, _ = self.fixed_window(key)
        limiter.reset(name)
        limiter.reset(key)


class TidegateStorage(Storage, MovingWindowSupport):
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
        return self._counts.fixed_window(key)[3]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        raise NotImplementedError("a table is not emptied as a whole: remove the segment, or clear keys")

    def clear(self, key: str) -> None:
        self._counts.clear(key)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self._counts.take(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return self._counts.moving_window(key, limit, expiry)


class AsyncTidegateStorage(AsyncStorage, AsyncMovingWindowSupport):
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
        return self._counts.fixed_window(key)[3]

    async def check(self) -> bool:
        return True

    async def reset(self) -> int | None:
        raise NotImplementedError("a table is not emptied as a whole: remove the segment, or clear keys")

    async def clear(self, key: str) -> None:
        self._counts.clear(key)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self._counts.take(key, limit, expiry, amount)

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return self._counts.moving_window(key, limit, expiry)

"""tidegate and its peers, each set up as its documentation has it for many keys.

Calls are written as a user writes them. Each loop is compiled by itself, since the interpreter makes
code quick for the types that it has met there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import limits
import pyrate_limiter
import rust_py_rate_limit
import throttled
import token_bucket
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

import tidegate
from harness import Contender

POLICY = "100/minute; 10/second token-bucket"
BATCH = 64

ALLOW, CHECK, CHECK_MANY = "tidegate allow", "tidegate check", f"tidegate check_many of {BATCH}"
READ = "tidegate check, decision read"
MOVING, FIXED = "limits, moving window", "limits, fixed window"
RUST_PY, RUST_PY_CHECK = "rust-py-rate-limit", "rust-py-rate-limit check"
RUST_PY_SLIDING = "rust-py-rate-limit, sliding"

#: More than any run takes, where the size of a quota is nothing to the work.
ENDLESS = 1_000_000_000

_LOOP = """
def make({names}):
    def worker(keys):
        allowed = 0
        for key in keys:
            if {call}:
                allowed += 1
        return allowed
    return worker
"""


def loop(call: str, **names: Any) -> Callable[[Iterable[str]], int]:
    """A loop that counts the keys for which `call` is true."""
    space: dict[str, Any] = {}
    exec(_LOOP.format(names=", ".join(names), call=call), space)
    return space["make"](**names)


# tidegate


def ours(max_keys: int = 100_000) -> tidegate.Limiter:
    return tidegate.Limiter(POLICY, max_keys=max_keys)


def asking(*, max_keys: int = 100_000, denied: Iterable[str] = ()) -> list[Contender]:
    """The calls that decide about one key, each of a limiter of its own."""
    calls = {
        ALLOW: "limiter.allow(key)",
        CHECK: "limiter.check(key)",
        READ: "(d := limiter.check(key)).remaining >= 0 and d.reset_after >= 0 and d.allowed",
    }
    return [_asking(name, call, ours(max_keys), set(denied)) for name, call in calls.items()]


def _asking(name: str, call: str, limiter: tidegate.Limiter, denied: set[str]) -> Contender:
    worker = loop(call, limiter=limiter)
    if denied:
        return Contender(name, worker, prepare=lambda: exhaust(limiter, denied))
    return Contender(name, worker, undo=give_back(limiter))


def batches(max_keys: int = 100_000) -> Contender:
    limiter = ours(max_keys)

    def worker(batches: Sequence[Sequence[str]]) -> int:
        allowed = 0
        for batch in batches:
            allowed += limiter.check_many(batch).allowed.count(True)
        return allowed

    def arrange(keys: Sequence[str]) -> list[Sequence[str]]:
        return [keys[at : at + BATCH] for at in range(0, len(keys), BATCH)]

    return Contender(CHECK_MANY, worker, undo=give_back(limiter), arrange=arrange)


def give_back(limiter: tidegate.Limiter) -> Callable[[Sequence[str]], None]:
    def undo(keys: Sequence[str]) -> None:
        for key, run in itertools.groupby(keys):
            limiter.refund(key, len(list(run)))

    return undo


def exhaust(limiter: tidegate.Limiter, keys: Iterable[str]) -> None:
    """Fills the logs of these keys, and leaves their buckets alone."""
    for key in keys:
        limiter.reset(key)
        limiter.check(key, {"minute": 100})


# limits: a storage of its own for each, which cleans up in a thread that is waited for.


def limits_moving(*quotas: str, undo: bool = False) -> Contender:
    storage = MemoryStorage()
    strategy, items = MovingWindowRateLimiter(storage), [limits.parse(quota) for quota in quotas]

    def clear(keys: Sequence[str]) -> None:
        for key in set(keys):
            for item in items:
                strategy.clear(item, key)

    call = " and ".join(f"strategy.hit({name}, key)" for name in _names(items))
    worker = loop(call, strategy=strategy, **_named(items))
    return Contender(MOVING, worker, undo=clear if undo else lambda _: None, settle=_settling(storage))


def limits_fixed(*quotas: str) -> Contender:
    storage = MemoryStorage()
    strategy, items = FixedWindowRateLimiter(storage), [limits.parse(quota) for quota in quotas]
    call = " and ".join(f"strategy.hit({name}, key)" for name in _names(items))
    return Contender(FIXED, loop(call, strategy=strategy, **_named(items)), settle=_settling(storage))


def _settling(storage: MemoryStorage) -> Callable[[], None]:
    return lambda: storage.timer.join() if storage.timer.is_alive() else None


# throttled-py: by default it forgets keys beyond 1,024, so it is given room for all.


def throttled_py(*quotas: str) -> Contender:
    store = throttled.MemoryStore(options={"MAX_SIZE": 1_000_000})
    using = throttled.RateLimiterType.GCRA.value
    limiters = [
        throttled.Throttled(using=using, quota=quota, store=store, key_prefix=f"limit{number}")
        for number, quota in enumerate(quotas)
    ]
    call = " and ".join(f"not {name}.limit(key).limited" for name in _names(limiters))
    return Contender("throttled-py, GCRA", loop(call, **_named(limiters)))


# pyrate-limiter: a bucket a key, by a factory as its documentation has it, but without its thread that
# empties buckets, which would run while others are measured.


class _BucketOfKey(pyrate_limiter.BucketFactory):
    def __init__(self, make: Callable[[], Any]) -> None:
        self.clock = pyrate_limiter.MonotonicClock()
        self.make = make
        self.buckets: dict[str, Any] = {}

    def wrap_item(self, name: str, weight: int = 1) -> Any:
        return pyrate_limiter.RateItem(name, self.clock.now(), weight=weight)

    def get(self, item: Any) -> Any:
        bucket = self.buckets.get(item.name)
        if bucket is None:
            bucket = self.buckets[item.name] = self.make()
        return bucket


def pyrate(*rates: tuple[int, int], undo: bool = False) -> Contender:
    factory = _BucketOfKey(
        lambda: pyrate_limiter.InMemoryBucket([pyrate_limiter.Rate(quota, window) for quota, window in rates])
    )

    def flush(keys: Sequence[str]) -> None:
        for key in set(keys):
            factory.buckets[key].flush()

    limiter = pyrate_limiter.Limiter(factory)
    worker = loop("limiter.try_acquire(key, blocking=False)", limiter=limiter)
    return Contender("pyrate-limiter, log", worker, undo=flush if undo else lambda _: None)


# token-bucket


def token_buckets(*buckets: tuple[float, int]) -> Contender:
    limiters = [token_bucket.Limiter(rate, size, token_bucket.MemoryStorage()) for rate, size in buckets]
    call = " and ".join(f"{name}.consume(key)" for name in _names(limiters))
    return Contender("token-bucket", loop(call, **_named(limiters)))


# rust-py-rate-limit


def rust_py(*limits: tuple[int, int], algorithm: str = "fixed", name: str = RUST_PY) -> Contender:
    limiters = [rust_py_rate_limit.RateLimiter(quota, window, algorithm) for quota, window in limits]
    call = " and ".join(f"{limiter}.allow(key)" for limiter in _names(limiters))
    return Contender(name, loop(call, **_named(limiters)))


def rust_py_check(quota: int, window: int) -> Contender:
    limiter = rust_py_rate_limit.RateLimiter(quota, window)
    return Contender(RUST_PY_CHECK, loop('limiter.check(key)["allowed"]', limiter=limiter))


def _names(things: Sequence[Any]) -> list[str]:
    return [f"limit{number}" for number in range(len(things))]


def _named(things: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(_names(things), things, strict=True))

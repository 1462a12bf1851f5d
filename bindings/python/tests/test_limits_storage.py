"""The storage for `limits`, held against the storage in memory of `limits` itself."""

from __future__ import annotations

import asyncio
import inspect
import multiprocessing
import random
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import limits
import limits.aio.strategies
import limits.storage.memory
import limits.strategies
import pytest
from limits.errors import ConfigurationError, StorageError
from limits.limits import Granularity
from limits.storage import storage_from_string

import tidegate.limits_storage
from tidegate import ForkWarning, InvalidError, ManualClock, SegmentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STRATEGIES = ["fixed-window", "moving-window", "sliding-window-counter"]


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
    """Everybody's clock is the test's."""
    for module in (
        limits.storage.memory,
        limits.strategies,
        limits.aio.strategies,
        tidegate.limits_storage,
    ):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=clock.now))


class Awaited:
    """What is async, for a caller that is not."""

    def __init__(self, it: Any) -> None:
        self._it = it

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._it, name)
        if not inspect.iscoroutinefunction(found):
            return found
        return lambda *args, **kwargs: asyncio.run(found(*args, **kwargs))


@pytest.fixture(params=["process", "segment", "async process", "async segment"])
def made(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Callable[[str], Any]:
    """A strategy of `limits` on a storage of ours, which all that are made share."""
    scheme = "async+tidegate" if request.param.startswith("async") else "tidegate"
    path = tmp_path / "limits" if request.param.endswith("segment") else ""
    storage = storage_from_string(f"{scheme}://{path}", clock=clock)

    def make(strategy: str) -> Any:
        if scheme == "tidegate":
            return limits.strategies.STRATEGIES[strategy](storage)
        made = Awaited(limits.aio.strategies.STRATEGIES[strategy](storage))
        made.storage = Awaited(storage)
        return made

    return make


# What is counted


@pytest.mark.parametrize("strategy", ["fixed-window", "moving-window"])
@pytest.mark.parametrize("seed", range(5))
def test_it_decides_as_the_storage_in_memory(
    made: Callable[[str], Any], clock: ManualClock, strategy: str, seed: int
) -> None:
    """In `limits` a refused cost above 1 fills a fixed window, so that costs are compared in logs alone."""
    chance = random.Random(seed)
    ours, theirs = made(strategy), limits.strategies.STRATEGIES[strategy](storage_from_string("memory://"))
    items = [limits.parse(text) for text in ("1/second", "3/2 seconds", "5/minute", "20/minute", "40/hour")]
    asked = [(item, client) for item in items for client in ("alice", "bob/1")]
    for step in range(300):
        # The odd microsecond keeps any two requests from being a whole window apart, where `limits`
        # still counts the older one and a log of ours no longer does.
        clock.advance(chance.choice([0, 0, 0.05, 0.4, 3, 70, 900]) + 1e-6 * (step + 1))
        item, client = chance.choice(asked)
        cost = chance.choice([1, 1, 1, 2, 4]) if strategy == "moving-window" else 1
        if chance.random() < 0.02:
            ours.clear(item, client)
            theirs.clear(item, client)
        assert ours.test(item, client, cost=cost) == theirs.test(item, client, cost=cost)
        assert ours.hit(item, client, cost=cost) == theirs.hit(item, client, cost=cost)
        for item, client in asked:
            said, expected = ours.get_window_stats(item, client), theirs.get_window_stats(item, client)
            assert said.remaining == expected.remaining
            reset = expected.reset_time
            if strategy == "moving-window":
                # No shorter than the quota's own pace for what remains. (That of an empty window is in
                # the past with `limits`, when it has forgotten requests.)
                reset = max(reset, clock.now() + said.remaining * item.get_expiry() / item.amount)
            assert said.reset_time == pytest.approx(reset, abs=1e-3)


def test_a_fixed_window_begins_with_the_first_request(made: Callable[[str], Any], clock: ManualClock) -> None:
    ours, item = made("fixed-window"), limits.parse("2/minute")
    clock.set(1_000_019.5)
    assert ours.get_window_stats(item, "a") == (1_000_019.5, 2)
    assert [ours.hit(item, "a") for _ in range(3)] == [True, True, False]
    clock.advance(59.999)
    assert not ours.hit(item, "a")
    assert ours.get_window_stats(item, "a") == (pytest.approx(1_000_079.5), 0)
    clock.advance(0.001)
    assert [ours.hit(item, "a") for _ in range(3)] == [True, True, False]
    assert ours.get_window_stats(item, "a") == (pytest.approx(1_000_139.5), 0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_refused_takes_nothing(made: Callable[[str], Any], strategy: str) -> None:
    ours, item = made(strategy), limits.parse("10/minute")
    assert ours.hit(item, "a", cost=8)
    for _ in range(3):
        assert not ours.test(item, "a", cost=3)
        assert not ours.hit(item, "a", cost=3)
        assert not ours.hit(item, "a", cost=11)
    assert ours.get_window_stats(item, "a").remaining == 2
    assert ours.hit(item, "a", cost=2)
    assert not ours.hit(item, "a")
    assert ours.hit(item, "b", cost=10)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_costs_nothing_and_what_is_never_admitted(made: Callable[[str], Any], strategy: str) -> None:
    ours, item, never = made(strategy), limits.parse("2/minute"), limits.parse("0/minute")
    assert ours.hit(item, "a", cost=0)
    assert ours.get_window_stats(item, "a").remaining == 2
    assert ours.hit(item, "a", cost=2)
    assert ours.hit(item, "a", cost=0)
    assert (ours.test(never, "a"), ours.hit(never, "a")) == (False, False)
    assert ours.get_window_stats(never, "a").remaining == 0
    ours.clear(never, "a")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_key_is_cleared(made: Callable[[str], Any], strategy: str) -> None:
    ours, item = made(strategy), limits.parse("2/minute")
    for client in ("a", "b"):
        assert ours.hit(item, client, cost=2)
    ours.clear(item, "a")
    assert ours.get_window_stats(item, "a").remaining == 2
    assert [ours.hit(item, "a") for _ in range(3)] == [True, True, False]
    assert not ours.hit(item, "b")


def test_strategies_and_limits_count_apart(made: Callable[[str], Any]) -> None:
    items = [limits.parse(text) for text in ("1/minute", "1/60 seconds", "2/minute", "1/2 minutes")]
    items += [limits.RateLimitItemPerMinute(1, namespace="other")]
    for strategy in STRATEGIES:
        for item in items:
            assert made(strategy).hit(item, "a", cost=item.amount)
            assert not made(strategy).hit(item, "a")


def test_the_counter_is_a_log(made: Callable[[str], Any], clock: ManualClock) -> None:
    """Where `limits` estimates from two counters."""
    chance, item = random.Random(1), limits.parse("5/10 seconds")
    log, counter = made("moving-window"), made("sliding-window-counter")
    for _ in range(300):
        clock.advance(chance.random() * 3)
        cost = chance.choice([1, 1, 2])
        assert counter.test(item, "a", cost=cost) == log.test(item, "a", cost=cost)
        assert counter.hit(item, "a", cost=cost) == log.hit(item, "a", cost=cost)
        said, expected = counter.get_window_stats(item, "a"), log.get_window_stats(item, "a")
        assert said.remaining == expected.remaining
        assert said.reset_time == pytest.approx(expected.reset_time + (10 if not expected else 0), abs=1e-3)


def test_incr_gives_the_count(made: Callable[[str], Any], clock: ManualClock) -> None:
    ours, item = made("fixed-window"), limits.parse("3/minute")
    key = item.key_for("a")
    assert [ours.storage.incr(key, 60) for _ in range(3)] == [1, 2, 3]
    assert ours.storage.incr(key, 60, amount=2) > 3
    assert (ours.storage.get(key), ours.storage.get_expiry(key)) == (3, clock.now() + 60)


def test_a_granularity_of_one_s_own(made: Callable[[str], Any], clock: ManualClock) -> None:
    class PerFortnight(limits.RateLimitItem):
        GRANULARITY = Granularity(14 * 86_400, "fortnight")

    ours, item = made("fixed-window"), PerFortnight(1)
    assert (ours.hit(item, "a"), ours.hit(item, "a")) == (True, False)
    clock.advance(14 * 86_400)
    assert ours.hit(item, "a")


def test_a_window_that_ends_during_a_hit(clock: ManualClock) -> None:
    """Its count has gone then, and must not be taken for an empty one."""
    storage = tidegate.limits_storage.TidegateStorage("tidegate://", clock=clock)
    ours, item = limits.strategies.FixedWindowRateLimiter(storage), limits.parse("2/minute")
    assert ours.hit(item, "a", cost=2)
    clock.advance(59)
    windows, stalls = storage._counts.limiter(1, 60), [2]

    class Stalled:
        def check(self, key: str) -> Any:
            decision = windows.check(key)
            clock.advance(stalls.pop() if stalls else 0)
            return decision

        def __getattr__(self, name: str) -> Any:
            return getattr(windows, name)

    storage._counts._limiters[1, 60] = Stalled()  # type: ignore[assignment]
    assert ours.hit(item, "a")
    assert ours.get_window_stats(item, "a") == (clock.now() + 60, 1)


# Threads and processes


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_threads_share_one_quota(strategy: str) -> None:
    ours, item = (
        limits.strategies.STRATEGIES[strategy](storage_from_string("tidegate://")),
        limits.parse("100/hour"),
    )
    admitted: list[bool] = []
    threads = [
        threading.Thread(target=lambda: admitted.extend(ours.hit(item, "a") for _ in range(50)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), sum(admitted)) == (400, 100)


@pytest.mark.skipif(sys.platform != "linux", reason="segments need Linux")
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("before", [False, True], ids=["opened by each", "opened before the fork"])
def test_processes_share_one_quota(tmp_path: Path, strategy: str, before: bool) -> None:
    context = multiprocessing.get_context("fork")
    ours = limits.strategies.STRATEGIES[strategy](storage_from_string(f"tidegate://{tmp_path}/limits"))
    item, admitted = limits.parse("100/hour"), context.SimpleQueue()
    taken = int(before and ours.hit(item, "a"))

    def take() -> None:
        admitted.put(sum(ours.hit(item, "a") for _ in range(100)))

    children = [context.Process(target=take) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert taken + sum(admitted.get() for _ in children) == 100
    assert ours.get_window_stats(item, "a").remaining == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_fork_of_what_counts_in_one_process() -> None:
    context = multiprocessing.get_context("fork")
    ours = limits.strategies.MovingWindowRateLimiter(storage_from_string("tidegate://"))
    said = context.SimpleQueue()
    assert ours.hit(limits.parse("2/hour"), "a")

    def use() -> None:
        with pytest.warns(ForkWarning):
            ours.hit(limits.parse("2/hour"), "a")
        said.put("warned")

    child = context.Process(target=use)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert said.get() == "warned"


# How it is asked for


def test_the_import_makes_the_scheme_known() -> None:
    code = "import limits.storage; limits.storage.storage_from_string('tidegate://').check()"
    ran = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert "unknown storage scheme" in ran.stderr
    subprocess.run([sys.executable, "-I", "-c", f"import tidegate.limits_storage; {code}"], check=True)


@pytest.mark.parametrize("scheme", ["tidegate", "async+tidegate"])
@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ("dev/shm/api", "takes an absolute path and nothing else"),
        ("./api", "takes an absolute path and nothing else"),
        ("localhost:6379", "takes an absolute path and nothing else"),
        ("/dev/shm/api?max_keys=10", "takes an absolute path and nothing else"),
        ("/", "give the segment a name"),
        ("/no/such/place/api", "there is no directory /no/such/place"),
    ],
)
def test_uris_that_name_nothing(scheme: str, rest: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        storage_from_string(f"{scheme}://{rest}")


@pytest.mark.parametrize("scheme", ["tidegate", "async+tidegate"])
def test_a_table_of_forked_workers_needs_a_path(scheme: str) -> None:
    with pytest.raises(ConfigurationError, match=r"anonymous_segment: .* tidegate:///dev/shm/my-api"):
        storage_from_string(f"{scheme}://", anonymous_segment=True)
    assert storage_from_string(f"{scheme}://", anonymous_segment=False)


def test_a_path_with_odd_letters(tmp_path: Path) -> None:
    ours = limits.strategies.MovingWindowRateLimiter(storage_from_string(f"tidegate://{tmp_path}/my%20api"))
    assert ours.hit(limits.parse("2/hour"), "a")
    assert [path.name for path in tmp_path.iterdir()] == ["my api.2-3600"]


def test_options_are_those_of_a_limiter() -> None:
    with pytest.raises(TypeError, match="maxkeys"):
        storage_from_string("tidegate://", maxkeys=5)
    with pytest.raises(InvalidError, match="max_keys"):
        storage_from_string("tidegate://", max_keys=0)
    with pytest.raises(TypeError, match="segment"):
        storage_from_string("tidegate://", segment="/dev/shm/api")
    storage = storage_from_string("tidegate://", max_keys=1, on_full="deny")
    for strategy in STRATEGIES:
        ours = limits.strategies.STRATEGIES[strategy](storage)
        assert not all(ours.hit(limits.parse("2/hour"), str(client)) for client in range(100))
    # What lets all newcomers pass has no windows to tell apart.
    storage = storage_from_string("tidegate://", max_keys=1, on_full="allow")
    for strategy in STRATEGIES:
        ours = limits.strategies.STRATEGIES[strategy](storage)
        assert all(ours.hit(limits.parse("2/hour"), str(client)) for client in range(100))


def test_a_key_of_no_limit(made: Callable[[str], Any]) -> None:
    storage = made("fixed-window").storage
    for key in ("", "alice", "alice/a/b/minute", "alice/1/1/century"):
        with pytest.raises(InvalidError, match="is no key of a limit"):
            storage.incr(key, 60)
    wrapping = storage_from_string("tidegate://", wrap_exceptions=True)
    with pytest.raises(StorageError):
        wrapping.get("alice")


def test_everything_is_forgotten_at_once(clock: ManualClock, tmp_path: Path) -> None:
    storage = storage_from_string("tidegate://", clock=clock)
    for strategy in STRATEGIES:
        ours = limits.strategies.STRATEGIES[strategy](storage)
        assert ours.hit(limits.parse("1/hour"), "a")
        storage.reset()
        assert ours.hit(limits.parse("1/hour"), "a")
    with pytest.raises(NotImplementedError, match="other processes count in the segment"):
        storage_from_string(f"tidegate://{tmp_path}/limits").reset()


def test_health(tmp_path: Path) -> None:
    storage = tidegate.limits_storage.TidegateStorage(f"tidegate://{tmp_path}/limits")
    ours = limits.strategies.MovingWindowRateLimiter(storage)
    assert storage.check()
    segment = tmp_path / "limits.2-3600"
    segment.write_text("something else")
    with pytest.raises(SegmentError):
        ours.hit(limits.parse("2/hour"), "a")
    assert not storage.check()
    segment.unlink()
    assert storage.check()
    assert ours.hit(limits.parse("2/hour"), "a")


def test_a_quota_beyond_a_log_is_an_error(made: Callable[[str], Any]) -> None:
    with pytest.raises(InvalidError, match="the most is 1000000"):
        made("moving-window").hit(limits.parse("2000000/day"), "a")

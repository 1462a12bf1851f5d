"""Waiting: the interpreter and the loop stay free, nobody overtakes, nobody starves."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tidegate import InvalidError, Limiter, ManualClock, RateLimited

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine

    from tidegate import Decision


async def settle() -> None:
    """Lets everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def at_once(coroutine: Coroutine[None, None, Decision]) -> Decision:
    """What it gives without any time passing."""
    task = asyncio.ensure_future(coroutine)
    await settle()
    assert task.done(), "it waits"
    return task.result()


def test_acquire_lets_other_threads_run(clock: ManualClock) -> None:
    limiter = Limiter("1/minute", clock=clock)
    assert limiter.acquire("a").allowed
    admitted: list[bool] = []
    waiter = threading.Thread(target=lambda: admitted.append(bool(limiter.acquire("a", timeout=90))))
    waiter.start()
    # Were the interpreter held, this thread would not come to move the clock.
    while waiter.is_alive():
        clock.advance(1)
        waiter.join(0.001)
    assert admitted == [True]


def test_acquire_gives_up_when_it_cannot_be_in_time(clock: ManualClock) -> None:
    limiter = Limiter("1/minute", clock=clock)
    assert limiter.acquire("a", timeout=0)
    denied = limiter.acquire("a", timeout=59.9)
    assert denied.retry_after == 60.0
    with pytest.raises(InvalidError):
        limiter.acquire("a", 2)
    with pytest.raises(TypeError, match="one cost"):
        limiter.acquire("a", {"minute": 1})  # type: ignore[arg-type]


def test_acquire_waits_in_real_time() -> None:
    limiter = Limiter("1/20ms", clock="precise")
    before = time.monotonic()
    assert all(limiter.acquire("a") for _ in range(3))
    assert time.monotonic() - before >= 0.04


def test_acquire_feels_a_signal(clock: ManualClock) -> None:
    limiter = Limiter("1/minute", clock=clock)
    assert limiter.allow("a")
    # Whoever runs the tests in the background may have told them to ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        limiter.acquire("a")
    timer.join()
    signal.signal(signal.SIGINT, before)
    clock.advance(60)
    assert limiter.allow("a")


def test_no_thread_starves() -> None:
    limiter = Limiter("1/ms", clock="precise")
    turns = dict.fromkeys(range(6), 0)
    end = time.monotonic() + 0.5

    def take(name: int) -> None:
        while time.monotonic() < end:
            assert limiter.acquire("a")
            turns[name] += 1

    threads = [threading.Thread(target=take, args=(name,)) for name in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(turns.values()) * 2 >= max(turns.values()), turns


def test_tasks_are_admitted_in_their_order(clock: ManualClock) -> None:
    async def main() -> list[int]:
        limiter, admitted = Limiter("1/second", clock=clock), list[int]()

        async def wait(name: int) -> None:
            assert await limiter.acquire_async("a")
            admitted.append(name)

        tasks = [asyncio.ensure_future(wait(name)) for name in range(5)]
        for turn in range(5):
            await settle()
            assert admitted == list(range(turn + 1))
            # Somebody who asks without waiting takes the next second, once: nobody is lost for it.
            if turn == 2:
                clock.advance(1)
                assert limiter.allow("a")
                await settle()
                assert len(admitted) == 3
            clock.advance(1)
        await asyncio.gather(*tasks)
        assert not limiter._turns._queues
        assert not clock._listeners
        return admitted

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


def test_tasks_of_different_keys_do_not_wait_for_each_other(clock: ManualClock) -> None:
    async def main() -> None:
        limiter = Limiter("1/second", clock=clock)
        assert await limiter.acquire_async("a")
        waiting = asyncio.ensure_future(limiter.acquire_async("a"))
        await settle()
        assert await limiter.acquire_async("b")
        assert not waiting.done()
        waiting.cancel()

    asyncio.run(main())


def test_a_task_gives_up_when_it_cannot_be_in_time(clock: ManualClock) -> None:
    async def main() -> None:
        limiter = Limiter("1/minute", clock=clock)
        assert await limiter.acquire_async("a", timeout=0)
        assert (await limiter.acquire_async("a", timeout=59.9)).retry_after == 60.0
        first = asyncio.ensure_future(limiter.acquire_async("a", timeout=60))
        second = asyncio.ensure_future(limiter.acquire_async("a", timeout=119))
        await settle()
        for timeout in (0, 59.9):
            assert (await at_once(limiter.acquire_async("a", timeout=timeout))).retry_after == 60.0
        clock.advance(60)
        assert await first
        assert (await second).retry_after == 60.0

    asyncio.run(main())


def test_a_task_whose_time_runs_out_does_not_overtake(clock: ManualClock) -> None:
    async def main() -> None:
        limiter = Limiter("10/minute token-bucket", clock=clock)
        assert limiter.allow("a", 10)
        large = asyncio.ensure_future(limiter.acquire_async("a", 10))
        await settle()
        for _ in range(9):
            small = [asyncio.ensure_future(limiter.acquire_async("a", timeout=t)) for t in (0, 6)]
            await settle()
            clock.advance(6)
            assert not any(await asyncio.gather(*small))
        clock.advance(6)
        assert await large

    asyncio.run(main())


def test_a_task_whose_time_is_just_over_passes_when_all_before_it_do(clock: ManualClock) -> None:
    async def main() -> None:
        limiter = Limiter("2/minute", clock=clock)
        assert limiter.allow("a", 2)
        tasks = [asyncio.ensure_future(limiter.acquire_async("a", timeout=60)) for _ in range(3)]
        await settle()
        clock.advance(60)
        assert [bool(await task) for task in tasks] == [True, True, False]

    asyncio.run(main())


def test_a_longer_wait_of_the_first_ends_those_that_have_no_time_for_it(clock: ManualClock) -> None:
    async def main() -> None:
        limiter = Limiter("1/minute", clock=clock)
        assert limiter.allow("a")
        first, second = (asyncio.ensure_future(limiter.acquire_async("a", timeout=t)) for t in (None, 90))
        await settle()
        clock.advance(60)
        assert limiter.allow("a")  # by somebody who does not wait
        await settle()
        assert (first.done(), second.done()) == (False, True)
        assert not await second
        clock.advance(60)
        assert await first

    asyncio.run(main())


def test_a_task_that_can_never_pass_is_told_so_whoever_is_ahead(clock: ManualClock) -> None:
    nan = float("nan")

    async def main() -> None:
        limiter = Limiter("1/minute", clock=clock)
        for ahead in (False, True):
            for error, message, key, cost, timeout in [
                (InvalidError, "ever admits at once", "a", 5, None),
                (InvalidError, "at least 1", "a", 0, None),
                (InvalidError, "timeout is -1 s", "a", 1, -1),
                (InvalidError, "timeout is NaN s", "a", 1, nan),
                (InvalidError, "empty", "", 1, None),
                (TypeError, "a key is str or bytes, not bytearray", bytearray(b"a"), 1, None),
                (TypeError, "one cost", "a", {"minute": 1}, None),
            ]:
                for call in (limiter.acquire, limiter.acquire_async):
                    with pytest.raises(error, match=message):
                        await call(key, cost, timeout)  # type: ignore[arg-type, misc]
            if not ahead:
                assert limiter.allow("a")
                waiting = asyncio.ensure_future(limiter.acquire_async("a"))
                await settle()
        waiting.cancel()

    asyncio.run(main())


def test_a_cancelled_task_makes_way(clock: ManualClock) -> None:
    async def main() -> None:
        limiter = Limiter("1/second", clock=clock)
        assert await limiter.acquire_async("a")
        first, second = (asyncio.ensure_future(limiter.acquire_async("a")) for _ in range(2))
        await settle()
        first.cancel()
        await settle()
        clock.advance(1)
        assert await second
        assert first.cancelled()

    asyncio.run(main())


def test_a_task_that_is_cancelled_when_it_could_pass_takes_nothing(clock: ManualClock) -> None:
    async def main() -> None:
        limiter = Limiter("1/second", clock=clock)
        assert await limiter.acquire_async("a")
        waiting = asyncio.ensure_future(limiter.acquire_async("a"))
        await settle()
        clock.advance(1)
        # Runs behind the queue, and before the task.
        asyncio.get_running_loop().call_soon(waiting.cancel)
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert limiter.allow("a")
        assert not limiter._turns._queues

    asyncio.run(main())


@pytest.mark.parametrize("give_back", [lambda it: it.refund(b"a"), lambda it: it.reset("a")])
def test_what_is_given_back_wakes_a_task(clock: ManualClock, give_back: Callable[[Limiter], None]) -> None:
    async def main() -> None:
        limiter = Limiter("1/day", clock=clock)
        assert limiter.allow("a")
        waiting = asyncio.ensure_future(limiter.acquire_async("a"))
        await settle()
        give_back(limiter)
        assert await waiting

    asyncio.run(main())


def test_the_loop_goes_on_meanwhile() -> None:
    async def main() -> int:
        limiter, ticks = Limiter("1/20ms", clock="precise"), 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.ensure_future(tick())
        for _ in range(3):
            assert await limiter.acquire_async("a")
        ticking.cancel()
        return ticks

    assert asyncio.run(main()) > 10


def test_a_function_under_a_limit(clock: ManualClock) -> None:
    limiter = Limiter("4/minute", clock=clock)

    @limiter.limit(key=lambda user, *, size=1: user, cost=lambda _user, *, size=1: size)
    def send(user: str, *, size: int = 1) -> str:
        """Sends."""
        return f"to {user}"

    assert (send.__name__, send.__doc__) == ("send", "Sends.")
    assert send("alice", size=3) == "to alice"
    with pytest.raises(RateLimited, match="minute") as raised:
        send("alice", size=2)
    assert raised.value.retry_after == 60.0
    assert not raised.value.decision
    assert send("bob") == "to bob"


def test_an_async_function_under_a_limit(clock: ManualClock) -> None:
    limiter = Limiter("1/minute", clock=clock)

    @limiter.limit(key="all")
    async def at_once() -> int:
        return 1

    @limiter.limit(key="all", wait=None)
    async def in_time() -> int:
        return 2

    async def main() -> None:
        assert await at_once() == 1
        with pytest.raises(RateLimited):
            await at_once()
        waiting: Awaitable[int] = asyncio.ensure_future(in_time())
        await settle()
        clock.advance(60)
        assert await waiting == 2

    asyncio.run(main())


def test_an_async_generator_under_a_limit(clock: ManualClock) -> None:
    limiter = Limiter("1/minute", clock=clock)
    heard: list[object] = []

    @limiter.limit(key="all", wait=None)
    async def talk() -> AsyncGenerator[int, str]:
        try:
            heard.append((yield 1))
            try:
                yield 2
            except LookupError as error:
                heard.append(error)
            yield 3
        finally:
            heard.append("end")

    async def main() -> None:
        assert inspect.isasyncgenfunction(talk)
        first, second = talk(), talk()
        assert await anext(first) == 1
        assert await first.asend("hello") == 2
        error = LookupError()
        assert await first.athrow(error) == 3
        assert [item async for item in first] == []
        assert heard == ["hello", error, "end"]

        # It waits where it is awaited, and the loop goes on.
        waiting = asyncio.ensure_future(second.asend(None))  # type: ignore[arg-type]
        await settle()
        assert not waiting.done()
        clock.advance(60)
        assert await waiting == 1
        await second.aclose()
        assert heard[3:] == ["end"]

    asyncio.run(main())


def test_an_async_generator_beyond_its_limit_has_not_run(clock: ManualClock) -> None:
    limiter = Limiter("1/minute", clock=clock)

    @limiter.limit(key="all")
    async def numbers() -> AsyncIterator[int]:
        yield 1
        raise AssertionError("the end")

    async def main() -> None:
        with pytest.raises(AssertionError, match="the end"):
            [item async for item in numbers()]
        with pytest.raises(RateLimited):
            await anext(numbers())

    asyncio.run(main())


def test_objects_that_are_called_as_async_functions(clock: ManualClock) -> None:
    limiter = Limiter("1/minute", clock=clock)

    class Send:
        async def __call__(self, text: str) -> str:
            return text

    class Numbers:
        async def __call__(self) -> AsyncIterator[int]:
            yield 1

    send = limiter.limit(key="send", wait=None)(Send())
    numbers = limiter.limit(key="numbers", wait=None)(Numbers())
    made = limiter.limit(key="class")(Send)  # to make one is no call of it
    assert inspect.iscoroutinefunction(send)
    assert inspect.isasyncgenfunction(numbers)

    async def main() -> None:
        assert isinstance(made(), Send)
        assert await send("a") == "a"
        waiting: Awaitable[str] = asyncio.ensure_future(send("b"))
        assert [item async for item in numbers()] == [1]
        await settle()
        clock.advance(60)
        assert await waiting == "b"
        assert [item async for item in numbers()] == [1]

    asyncio.run(main())


def test_a_plain_function_that_waits() -> None:
    limiter = Limiter("1/5ms", clock="precise")

    @limiter.limit(key="all", wait=1)
    def call() -> None: ...

    for _ in range(3):
        call()

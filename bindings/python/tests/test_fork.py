"""Processes: segments that all of them share, and tables that a fork would split."""

from __future__ import annotations

import multiprocessing
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tidegate import ForkError, ForkWarning, InvalidError, Limiter, ManualClock, SegmentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="segments need Linux")


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` gives in a child made by fork."""
    there, here = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = repr(work())
        except BaseException as error:
            said = repr(f"{type(error).__name__}: {error}")
        os.write(here, said.encode())
        os._exit(0)
    os.close(here)
    with os.fdopen(there) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return eval(said)


@pytest.fixture(params=["file", "anonymous"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Limiter:
    if request.param == "file":
        return Limiter("100/hour", segment=tmp_path / "limits")
    return Limiter("100/hour", anonymous_segment=True)


def test_children_share_a_segment(shared: Limiter) -> None:
    def take() -> int:
        return sum(shared.allow("a") for _ in range(60))

    assert take() == 60
    assert in_child(take) == 40
    assert in_child(lambda: in_child(take)) == 0
    assert shared.peek("a").remaining == 0
    shared.refund("a", 10)
    assert in_child(take) == 10


def test_children_at_the_same_time(shared: Limiter) -> None:
    context = multiprocessing.get_context("fork")
    admitted = context.SimpleQueue()

    def take() -> None:
        admitted.put(sum(shared.allow("a") for _ in range(100)))

    children = [context.Process(target=take) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert sum(admitted.get() for _ in children) == 100


def test_a_file_is_opened_by_path(tmp_path: Path) -> None:
    path = tmp_path / "limits"
    assert Limiter("2/hour", segment=path).allow("a")
    assert Limiter("2/hour", segment=str(path)).check("a").remaining == 0
    with pytest.raises(SegmentError, match="it counts for the policy `2/hour`") as raised:
        Limiter("3/hour", segment=path)
    assert isinstance(raised.value, OSError)
    assert (raised.value.code, raised.value.path) == ("segment-policy", str(path))
    with pytest.raises(InvalidError):
        Limiter("2/hour", segment=path, anonymous_segment=True)


def test_a_split_table_warns_once_in_every_child(clock: ManualClock) -> None:
    limiter = Limiter("2/minute", clock=clock)
    assert limiter.allow("a")

    def use() -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert limiter.allow("a")
            limiter.check("a")
            limiter.check_many(["a"])
            limiter.peek("a")
        return [warning.category.__name__ for warning in caught]

    assert in_child(use) == ["ForkWarning"]
    assert in_child(use) == ["ForkWarning"]
    assert limiter.allow("a")


def test_a_split_table_raises_or_not_as_wanted(clock: ManualClock) -> None:
    strict = Limiter("2/minute", clock=clock, on_fork="raise")
    said = in_child(lambda: strict.check("a"))
    assert said.startswith("ForkError: this limiter was made before a fork")
    assert in_child(lambda: strict.acquire("a", timeout=0)) == said
    quiet = Limiter("2/minute", clock=clock, on_fork="ignore")
    assert in_child(lambda: quiet.allow("a")) is True
    fresh = in_child(lambda: Limiter("2/minute", clock=clock, on_fork="raise").allow("a"))
    assert fresh is True
    assert issubclass(ForkError, RuntimeError)
    assert issubclass(ForkWarning, RuntimeWarning)

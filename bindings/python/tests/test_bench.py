"""The bench's stopwatch. That everything in it runs is seen by `bindings/python/check`."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    monkeypatch.syspath_prepend(str(request.config.rootpath / "bench"))
    return importlib.import_module("harness")


def mode(harness: Any, contenders: list[Any], allowed: bool = True) -> Any:
    return harness.Mode("m", "M", allowed, [["k"] * 4], contenders, "a")


def test_rounds_rotate_and_the_first_does_not_count(harness: Any) -> None:
    order: list[str] = []

    def named(name: str) -> Any:
        return harness.Contender(name, len, prepare=lambda: order.append(name))

    result = harness.run(mode(harness, [named("a"), named("b"), named("c")]), rounds=2, least_ns=0)
    assert "".join(order) == "abcbcacab"
    assert [len(series.rounds) for series in result.series] == [2, 2, 2]


@pytest.mark.parametrize(("allowed", "answered"), [(True, 0), (False, 4)])
def test_a_mode_that_is_not_what_it_says_is_an_error(harness: Any, allowed: bool, answered: int) -> None:
    liar = harness.Contender("liar", lambda _: answered)
    with pytest.raises(RuntimeError, match="m, liar: 4 of 4 checks"):
        harness.run(mode(harness, [liar], allowed), rounds=1, least_ns=0)

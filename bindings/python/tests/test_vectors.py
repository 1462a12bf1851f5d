"""The vectors that every language runs: tests/vectors/README.md says what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import tidegate
from conftest import vectors
from tidegate import Error, Limiter, ManualClock, NotationError, Policy, Proxies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate import Body, Decision


@pytest.mark.parametrize("vector", vectors("policies")["valid"], ids=lambda vector: vector["notation"])
def test_notations_mean_what_they_should(vector: dict[str, Any]) -> None:
    policy = Policy(vector["notation"])
    assert [limit(each) for each in policy.limits] == vector["limits"]
    assert str(policy) == vector["canonical"]
    assert Policy(vector["canonical"]) == policy


def limit(found: tidegate.Limit) -> dict[str, str]:
    return {
        "name": found.name,
        "quota": str(found.quota),
        "window_ns": str(found.window_ns),
        "algorithm": found.algorithm,
        "capacity": str(found.capacity),
        "unit": found.unit,
        "resolution_ns": str(found.resolution_ns),
    }


@pytest.mark.parametrize("vector", vectors("policies")["invalid"], ids=lambda vector: vector["notation"])
def test_wrong_notations_are_refused_at_the_place(vector: dict[str, Any]) -> None:
    with pytest.raises(NotationError) as refused:
        Policy(vector["notation"])
    assert (refused.value.at, refused.value.length) == (vector["at"], vector["len"])
    assert (refused.value.code, refused.value.text) == ("notation", vector["notation"])


def run(case: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Decision | None]]:
    """Makes every call of a case, and gives its decision; None for calls that give none."""
    clock = ManualClock()
    limiter = Limiter(Policy(case["policy"], report=case["report"]), clock=clock)
    for step in case["steps"]:
        clock.set_ns(int(step["now_ns"]))
        if "error" in step:
            with pytest.raises(Error) as raised:
                call(limiter, step)
            assert raised.value.code == step["error"]
        else:
            yield step, call(limiter, step)


def call(limiter: Limiter, step: dict[str, Any]) -> Decision | None:
    operation, key = step["op"], step["key"]
    if "costs" in step:
        names = [limit.name for limit in limiter.policy.limits]
        costs: Any = dict(zip(names, map(int, step["costs"]), strict=False))
        if len(step["costs"]) != len(names):  # Names can't be as many as there are not.
            costs = {f"limit-{i}": 1 for i in range(len(step["costs"]))}
    else:
        costs = int(step.get("cost", 1))
    if operation in ("check", "check_n", "check_costs"):
        return limiter.check(key, costs)
    if operation == "peek":
        return limiter.peek(key)
    if operation in ("refund", "refund_costs"):
        limiter.refund(key, costs)
    else:
        assert operation == "reset"
        limiter.reset(key)
    return None


def told(decision: Decision) -> dict[str, Any]:
    return {
        "allowed": decision.allowed,
        "at_ns": str(decision.at_ns),
        "reported": decision.reported.name,
        "limit": str(decision.limit),
        "remaining": str(decision.remaining),
        "reset_after_ns": str(decision.reset_after_ns),
        "retry_after_ns": None if decision.retry_after_ns is None else str(decision.retry_after_ns),
        "violated": list(decision.violated),
        "limits": [
            {
                "name": status.name,
                "violated": status.violated,
                "remaining": str(status.remaining),
                "reset_after_ns": str(status.reset_after_ns),
                "retry_after_ns": str(status.retry_after_ns),
                "effective_window_ns": str(status.effective_window_ns),
            }
            for status in decision.limits
        ],
    }


@pytest.mark.parametrize("case", vectors("decisions")["cases"], ids=lambda case: case["name"])
def test_decisions_are_as_written(case: dict[str, Any]) -> None:
    for step, decision in run(case):
        assert (told(decision) if decision is not None else None) == step.get("decision")


@pytest.mark.parametrize("case", vectors("headers")["cases"], ids=lambda case: case["name"])
def test_headers_are_as_written(case: dict[str, Any]) -> None:
    for step, decision in run(case):
        assert decision is not None
        assert len(step["headers"]) == 3
        for style, headers in step["headers"].items():
            assert [list(pair) for pair in decision.headers(style).items()] == headers
            raw = [[name.decode(), value.decode()] for name, value in decision.raw_headers(style)]
            assert raw == [[name.lower(), value] for name, value in headers]


def body(found: Body | None) -> dict[str, Any] | None:
    if found is None:
        return None
    assert found.cache_control == "no-store"
    return {"status": found.status, "content_type": found.content_type, "body": found.text}


@pytest.mark.parametrize("case", vectors("bodies")["cases"], ids=lambda case: case["name"])
def test_bodies_are_as_written(case: dict[str, Any]) -> None:
    for step, decision in run(case):
        assert decision is not None
        assert body(decision.body()) == step["bodies"].get("message")
        assert body(decision.problem_body()) == step["bodies"].get("problem")


def test_bodies_of_413() -> None:
    for vector in vectors("bodies")["content_too_large"]:
        assert body(tidegate.content_too_large(int(vector["max_body"]))) == vector["response"]


@pytest.mark.parametrize("vector", vectors("addresses")["clients"], ids=lambda vector: vector["name"])
def test_clients_are_told_apart_as_written(vector: dict[str, Any]) -> None:
    proxies = Proxies(vector["trusted"], header=vector["header"], ipv6_prefix=vector["ipv6_prefix"])
    found = (proxies.client(vector["peer"], vector["lines"]), proxies.key(vector["peer"], vector["lines"]))
    assert found == (vector["client"], vector["key"])


def test_wrong_lists_of_proxies_are_refused() -> None:
    for text in vectors("addresses")["invalid_trusted"]:
        with pytest.raises(Error) as refused:
            Proxies(text)
        assert refused.value.code == "options"


def test_api_keys_are_found_as_written() -> None:
    for vector in vectors("addresses")["api_keys"]:
        found = tidegate.api_key(vector["authorization"], vector["x_api_key"])
        assert found == vector["api_key"]

"""A decision as a value: true or false, compared, printed, sent elsewhere."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

from tidegate import Decision, Limit, Limiter, ManualClock, Policy

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def decisions(clock: ManualClock) -> list[Decision]:
    """Two admissions and two denials."""
    limiter = Limiter("3/minute; 2/second token-bucket", clock=clock)
    decisions = [limiter.check("a") for _ in range(3)]
    clock.advance(0.5)
    assert limiter.allow("a")
    return [*decisions, limiter.check("a")]


def test_true_when_allowed(decisions: list[Decision]) -> None:
    assert [bool(decision) for decision in decisions] == [True, True, False, False]
    assert [decision.retry_after for decision in decisions] == [None, None, 0.5, 59.5]
    assert decisions[2].retry_after_seconds == 1
    assert decisions[3].violated == ("minute", "second")


def test_compared_by_what_it_says(clock: ManualClock) -> None:
    one, other = (Limiter("3/minute", clock=clock).check("a") for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Limiter("4/minute", clock=clock).check("a")
    assert one != "a decision"


def test_printed(decisions: list[Decision]) -> None:
    assert repr(decisions[2]) == (
        "Decision(allowed=False, limit=2, remaining=0, reset_after=1.0, retry_after=0.5, "
        "violated=('second',))"
    )
    assert repr(decisions[0].limits[0]) == (
        "LimitStatus(name='minute', quota=3, violated=False, remaining=2, reset_after=60.0, retry_after=0.0)"
    )


@pytest.mark.parametrize("travel", [lambda it: pickle.loads(pickle.dumps(it)), copy.copy, copy.deepcopy])
def test_sent_elsewhere(decisions: list[Decision], travel: Callable[[Decision], Decision]) -> None:
    for decision in decisions:
        arrived = travel(decision)
        assert arrived == decision
        assert travel(arrived) == decision
        assert (bool(arrived), repr(arrived)) == (bool(decision), repr(decision))
        assert arrived.limits == decision.limits
        assert arrived.reported == decision.reported
        assert arrived.at_ns == decision.at_ns
        for style in ("x-ratelimit", "ietf", "ietf-06", "ietf, ietf-06", "ietf-06, ietf, x-ratelimit"):
            for retry_after in (None, 90):
                sent = decision.headers(style, retry_after=retry_after)
                assert list(arrived.headers(style, retry_after=retry_after).items()) == list(sent.items())
        for accept in ("", "application/problem+json"):
            assert arrived.body(accept) == decision.body(accept)


def test_policies_and_limits_are_sent_elsewhere_too() -> None:
    policy = Policy("100/minute; 3/second token-bucket burst=9", name="free", report="tightest", max_body=7)
    assert pickle.loads(pickle.dumps(policy)) == policy
    limit = Limit("bytes", 10, 1.5, algorithm="token-bucket", burst=20, unit="content-bytes")
    assert pickle.loads(pickle.dumps(limit)) == limit
    assert pickle.loads(pickle.dumps(policy.limits)) == policy.limits


def test_headers_with_a_longer_wait(decisions: list[Decision]) -> None:
    assert decisions[3].headers(retry_after=90)["Retry-After"] == "90"
    assert decisions[3].headers(retry_after=1)["Retry-After"] == "60"
    assert "Retry-After" not in decisions[0].headers(retry_after=90)
    assert dict(decisions[3].raw_headers(retry_after=90))[b"retry-after"] == b"90"

"""Options that cannot be used are found when a gate is made."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import pytest

from test_http import asgi, remaining
from tidegate import CostAboveQuotaError, InvalidError, Limiter, ManualClock
from tidegate.http import Gate, Refusal, api_key, first_of

if TYPE_CHECKING:
    from tidegate.http import Request

ONE = Limiter("requests: 1/minute; tokens: 9/minute token-bucket burst=20")


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (
            {"limiter": "100/minute"},
            TypeError,
            "limiter: expected a Limiter or a function of the request, not '100",
        ),
        ({"limiter": None}, TypeError, "limiter: expected a Limiter or a function of the request, not None"),
        ({"key": "X-API-Key"}, TypeError, "key: expected a function of the request, not 'X-API-Key'"),
        ({"key": ""}, TypeError, "key: expected a function of the request, not ''"),
        ({"cost": "1"}, TypeError, "a cost is an int, or a mapping of the limits' names to ints, not str"),
        ({"cost": 1.5}, TypeError, "a cost is an int, or a mapping of the limits' names to ints, not float"),
        ({"cost": -1}, InvalidError, "the cost is -1"),
        ({"cost": {"tokens": -1}}, InvalidError, "the cost is -1"),
        ({"cost": {"tokns": 1}}, InvalidError, "limit `tokns`; the policy has `requests`, `tokens`"),
        ({"cost": 2}, CostAboveQuotaError, "requests"),
        ({"cost": {"tokens": 21}}, CostAboveQuotaError, "tokens"),
        ({"limiter": lambda request: ONE, "cost": {"tokens": -1}}, InvalidError, "the cost is -1"),
        ({"limiter": lambda request: ONE, "cost": {"tokens": "1"}}, TypeError, "a cost is an int"),
        ({"exempt": ["health"]}, InvalidError, "exempt: 'health' is no path; one begins with /"),
        ({"exempt": [""]}, InvalidError, "exempt: '' is no path"),
        ({"exempt": "health"}, InvalidError, "exempt: 'health' is no path"),
        ({"exempt": ["/a/../b"]}, InvalidError, "exempt: '/a/../b' can be read as another path"),
        (
            {"exempt": [b"/health"]},
            TypeError,
            "exempt: expected paths and functions of the request, not b'/health'",
        ),
        ({"exempt": 7}, TypeError, "exempt: expected paths and functions of the request, not 7"),
        ({"style": "x"}, InvalidError, "x"),
        ({"max_body": -1}, InvalidError, "max_body is -1; expected a whole number from 0"),
        ({"max_body": 1.5}, TypeError, "max_body: expected a whole number, not 1.5"),
        ({"retry_jitter": -1}, InvalidError, "retry_jitter is -1; expected a whole number from 0"),
        ({"retry_jitter": 2**64}, InvalidError, "retry_jitter is 18446744073709551616; expected"),
        ({"retry_jitter": 2.5}, TypeError, "retry_jitter: expected a whole number, not 2.5"),
        ({"fail_open": "no"}, TypeError, "fail_open: expected True or False, not 'no'"),
        ({"expose_headers": 1}, TypeError, "expose_headers: expected True or False, not 1"),
    ],
    ids=str,
)
def test_wrong_options_are_found_at_the_start(
    wrong: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=re.escape(said)):
        Gate(**{"limiter": ONE, **wrong})


def test_options_at_their_bounds(clock: ManualClock) -> None:
    limiter = Limiter("requests: 1/minute; tokens: 9/minute token-bucket burst=20", clock=clock)
    gate = Gate(limiter, cost={"requests": 1, "tokens": 20}, max_body=0, retry_jitter=2**64 - 1)
    assert remaining(gate.judge(asgi())) == 0
    refused = gate.judge(asgi())
    assert isinstance(refused, Refusal)
    assert int(refused.headers["Retry-After"]) >= 60


class Later:
    """What an async function gives."""

    def __await__(self) -> Any:
        raise AssertionError("nobody awaits it")


async def later(request: Request) -> Any:
    return None


class LaterObject:
    async def __call__(self, request: Request) -> Any:
        return None


@pytest.mark.parametrize("function", [later, LaterObject(), functools.partial(later), LaterObject().__call__])
def test_async_functions_are_refused(function: Any) -> None:
    said = "is async, and nobody would await it; give a plain function"
    with pytest.raises(TypeError, match=f"^limiter: .* {said}"):
        Gate(function)
    for option in ("key", "cost"):
        with pytest.raises(TypeError, match=f"^{option}: .* {said}"):
            Gate(Limiter("1/minute"), **{option: function})
    with pytest.raises(TypeError, match=f"^exempt: .* {said}"):
        Gate(Limiter("1/minute"), exempt=["/health", function])
    with pytest.raises(TypeError, match=f"^first_of: .* {said}"):
        first_of(api_key(), function)


def test_what_would_be_awaited_is_no_answer() -> None:
    def answers(request: Request) -> Any:
        return Later()

    for gate, said in (
        (Gate(answers), "a limiter function gives a Limiter or None, not Later"),
        (Gate(Limiter("1/minute"), key=answers), "a key function gives str, bytes or None, not Later"),
        (Gate(Limiter("1/minute"), cost=answers), "a cost is an int, or a mapping .*, not Later"),
        (Gate(Limiter("1/minute"), exempt=[answers]), "exempt: a function gave .*Later.*nobody awaits"),
    ):
        with pytest.raises(TypeError, match=said):
            gate.judge(asgi())

"""What the applications of all frameworks are set up with, and how a request finds its one.

A request for the host `variant.case` goes to an application of its own, so that one server holds them all.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidegate import Limiter
from tidegate.http import api_key, client_address, first_of, header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidegate.http import Request


class Broken(Limiter):
    """One whose table cannot be had."""

    def check(self, key: Any, cost: Any = 1) -> Any:
        raise OSError("no table")


def of_tier(limiter: Callable[..., Limiter]) -> Callable[[Request], Limiter | None]:
    tiers = {"free": limiter("2/hour", "free"), "pro": limiter("50/hour", "pro"), "root": None}
    return lambda request: tiers[request.header("x-tier") or "free"]


CASES: dict[str, Callable[[Callable[..., Limiter]], dict[str, Any]]] = {
    "quota": lambda limiter: {"limiter": limiter("2/hour"), "key": api_key(), "expose_headers": True},
    "workers": lambda limiter: {"limiter": limiter("100/hour"), "key": api_key()},
    "user": lambda limiter: {"limiter": limiter("2/hour"), "key": header("X-User")},
    "type": lambda limiter: {"limiter": limiter("2/hour"), "key": header("Content-Type")},
    "peer": lambda limiter: {"limiter": limiter("2/hour")},
    "address": lambda limiter: {"limiter": limiter("2/hour"), "key": client_address("127.0.0.1")},
    "network": lambda limiter: {
        "limiter": limiter("2/hour"),
        "key": client_address("127.0.0.1", forwarded="Forwarded", ipv6_prefix=48),
    },
    "either": lambda limiter: {
        "limiter": limiter("2/hour"),
        "key": first_of(api_key(), client_address("127.0.0.1")),
    },
    "tier": lambda limiter: {"limiter": of_tier(limiter), "key": api_key()},
    "cost": lambda limiter: {
        "limiter": limiter("5/hour"),
        "key": api_key(),
        "cost": lambda request: int(request.header("x-cost") or 1),
    },
    "costs": lambda limiter: {
        "limiter": limiter("requests: 9/hour; tokens: 1000/hour"),
        "key": api_key(),
        "cost": {"requests": 1, "tokens": 900},
    },
    "exempt": lambda limiter: {
        "limiter": limiter("2/hour"),
        "key": api_key(),
        "exempt": ["/free", "/static/", lambda request: request.header("x-probe") is not None],
    },
    "ietf": lambda limiter: {"limiter": limiter("2/hour"), "key": api_key(), "style": "ietf"},
    "both": lambda limiter: {
        "limiter": limiter("2/hour"),
        "key": api_key(),
        "style": "x-ratelimit, ietf-06",
        "expose_headers": True,
    },
    "body": lambda limiter: {"limiter": limiter("2/hour"), "key": api_key(), "max_body": 10},
    "broken": lambda limiter: {"limiter": Broken("2/hour"), "key": api_key()},
    "open": lambda limiter: {"limiter": Broken("2/hour"), "key": api_key(), "fail_open": True},
}


def options(variant: str, case: str) -> dict[str, Any]:
    """The limiter and the other options of a case, each in segments of its own."""

    def limiter(policy: str, name: str = "") -> Limiter:
        return Limiter(policy, segment=Path(os.environ["SEGMENTS"]) / f"{variant}.{case}.{name}")

    return CASES[case](limiter)


def parts() -> Iterator[bytes]:
    """Two parts of a response. If there is a pipe named `go`, the second waits until it is written to."""
    yield b"one "
    pipe = Path(os.environ["SEGMENTS"]) / "go"
    if pipe.exists():
        pipe.read_bytes()
    yield b"two"


def wsgi_by_host(build: Callable[[str, str], Any]) -> Any:
    app_of = functools.cache(build)

    def app(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/ready":
            start_response("200 OK", [("Content-Length", "0")])
            return [b""]
        variant, _, case = environ["HTTP_HOST"].partition(".")
        return app_of(variant, case)(environ, start_response)

    return app


def asgi_by_host(build: Callable[[str, str], Any]) -> Any:
    app_of = functools.cache(build)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/ready":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
            return
        host = next(value for name, value in scope["headers"] if name == b"host").decode()
        variant, _, case = host.partition(":")[0].partition(".")
        await app_of(variant, case)(scope, receive, send)

    return app

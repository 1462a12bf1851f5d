"""A FastAPI application, called as a server calls it, with and without limits before its one route."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import slowapi
from fastapi import Depends, FastAPI, Request, Response
from rust_py_rate_limit.fastapi import RateLimitMiddleware as RustPyMiddleware
from slowapi.middleware import SlowAPIASGIMiddleware, SlowAPIMiddleware
from slowapi.util import get_remote_address

import tidegate
from harness import Contender
from subjects import ENDLESS, POLICY, give_back
from tidegate.asgi import RateLimitMiddleware
from tidegate.fastapi import RateLimit, install

BARE, OURS, SLOWAPI = "no limits", "tidegate, ASGI middleware", "slowapi, decorator"

#: What uvicorn makes of `curl`'s request.
_HEADERS = [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"curl/8.15.0"), (b"accept", b"*/*")]


def contenders() -> list[Contender]:
    return [
        Contender(BARE, serving(_app())),
        _middleware(),
        _dependency(),
        Contender(SLOWAPI, serving(_slowapi_decorated())),
        Contender("slowapi, decorator, headers", serving(_slowapi_decorated(headers_enabled=True))),
        Contender("slowapi, ASGI middleware", serving(_slowapi(SlowAPIASGIMiddleware))),
        Contender("slowapi, middleware", serving(_slowapi(SlowAPIMiddleware))),
        Contender("rust-py-rate-limit, middleware", serving(_rust_py())),
    ]


def serving(app: Any) -> Callable[[Sequence[str]], int]:
    """Sends a request from each address, one after another; counts the answers with status 200."""
    loop = asyncio.new_event_loop()

    async def worker(addresses: Sequence[str]) -> int:
        answered = 0

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal answered
            if message["type"] == "http.response.start" and message["status"] == 200:
                answered += 1

        for address in addresses:
            await app(_scope(address), receive, send)
        return answered

    return lambda addresses: loop.run_until_complete(worker(addresses))


def _scope(address: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": (address, 40000),
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": "/items/7",
        "raw_path": b"/items/7",
        "query_string": b"",
        "headers": list(_HEADERS),
        "state": {},
    }


async def _item(request: Request, number: int) -> dict[str, int]:
    return {"number": number}


def _app(route: Any = _item, dependencies: Sequence[Any] = ()) -> FastAPI:
    app = FastAPI()
    app.get("/items/{number}", dependencies=list(dependencies))(route)
    return app


def _middleware() -> Contender:
    app, limiter = _app(), tidegate.Limiter(POLICY)
    app.add_middleware(RateLimitMiddleware, limiter=limiter)
    return Contender(OURS, serving(app), undo=give_back(limiter))


def _dependency() -> Contender:
    limiter = tidegate.Limiter(POLICY)
    app = _app(dependencies=[Depends(RateLimit(limiter))])
    install(app)
    return Contender("tidegate, dependency of the route", serving(app), undo=give_back(limiter))


def _slowapi_decorated(**options: Any) -> FastAPI:
    limiter = slowapi.Limiter(key_func=get_remote_address, **options)

    async def item(request: Request, response: Response, number: int) -> dict[str, int]:
        return {"number": number}

    # With headers it wants the response too.
    app = _app(limiter.limit(f"{ENDLESS}/minute")(item if options else _item))
    app.state.limiter = limiter
    return app


def _slowapi(middleware: Any) -> FastAPI:
    app = _app()
    app.state.limiter = slowapi.Limiter(key_func=get_remote_address, default_limits=[f"{ENDLESS}/minute"])
    app.add_middleware(middleware)
    return app


def _rust_py() -> FastAPI:
    app = _app()
    app.add_middleware(RustPyMiddleware, limit=ENDLESS, window_seconds=60)
    return app

"""Starlette's and FastAPI's own ways, beside ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from tidegate import Limiter, ManualClock
from tidegate.asgi import RateLimitMiddleware
from tidegate.fastapi import RateLimit, install
from tidegate.http import ASGIRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

ORIGIN = {"origin": "https://example.com"}


def ask(app: Any, path: str = "/", method: str = "GET", **options: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)

    return asyncio.run(asked())


def of(clock: ManualClock, policy: str = "2/minute") -> Limiter:
    return Limiter(policy, clock=clock)


def hello() -> str:
    return "hello"


@pytest.mark.parametrize("is_around", [True, False], ids=["CORS around", "CORS within"])
def test_cors(clock: ManualClock, is_around: bool) -> None:
    """Preflights are free in either order; only CORS around the limiter lets scripts read a denial."""
    app = FastAPI()
    app.add_api_route("/", hello)
    ours: tuple[Any, dict[str, Any]] = RateLimitMiddleware, {"limiter": of(clock), "expose_headers": True}
    theirs: tuple[Any, dict[str, Any]] = CORSMiddleware, {"allow_origins": ["*"]}
    for middleware, options in (ours, theirs) if is_around else (theirs, ours):
        app.add_middleware(middleware, **options)
    for _ in range(3):
        preflight = ask(app, method="OPTIONS", headers={**ORIGIN, "access-control-request-method": "GET"})
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")
        assert "x-ratelimit-limit" not in preflight.headers
    first, _, denied = (ask(app, headers=ORIGIN) for _ in range(3))
    assert [first.status_code, denied.status_code] == [200, 429]
    assert first.headers["access-control-allow-origin"] == "*"
    assert denied.headers.get("access-control-allow-origin") == ("*" if is_around else None)
    for answer in (first, denied):
        assert answer.headers["access-control-expose-headers"].startswith("X-RateLimit-Limit, ")


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_middleware_and_dependencies_say_each_header_once(clock: ManualClock, is_installed: bool) -> None:
    app = FastAPI(dependencies=[Depends(RateLimit(of(clock, "30/minute"), expose_headers=True))])
    if is_installed:
        install(app)
    app.add_middleware(RateLimitMiddleware, limiter=of(clock, "40/minute"), expose_headers=True)
    router = APIRouter(dependencies=[Depends(RateLimit(of(clock, "20/minute"), expose_headers=True))])
    nearest = RateLimit(of(clock, "10/minute"), expose_headers=True)
    router.add_api_route("/", hello, dependencies=[Depends(nearest), Depends(RateLimit(of(clock), cost=0))])
    app.include_router(router)
    answer = ask(app)
    assert answer.headers["x-ratelimit-limit"] == "10"
    names = [name for name, _ in answer.headers.raw]
    assert len(names) == len(set(names))
    for _ in range(9):
        assert ask(app).status_code == 200
    denied = ask(app)
    assert (denied.status_code, denied.headers["x-ratelimit-limit"]) == (429, "10")
    names = [name for name, _ in denied.headers.raw]
    assert len(names) == len(set(names))


def test_one_object_before_a_router_and_its_route_counts_once(clock: ManualClock) -> None:
    once = Depends(RateLimit(of(clock)))
    app, router = FastAPI(), APIRouter()
    router.add_api_route("/", hello, dependencies=[once])
    app.include_router(router, dependencies=[once])
    assert [ask(app).status_code for _ in range(3)] == [200, 200, 429]


def test_routes_of_their_own_policies(clock: ManualClock) -> None:
    app = FastAPI()
    install(app)
    app.add_api_route("/a", hello, dependencies=[Depends(RateLimit(of(clock, "1/minute")))])
    app.add_api_route("/b", hello, dependencies=[Depends(RateLimit(of(clock, "2/minute")))])
    app.add_api_route("/c", hello)
    assert [ask(app, path).status_code for path in "aabbbccc"] == [200, 429, 200, 200, 429, 200, 200, 200]
    assert "x-ratelimit-limit" not in ask(app, "c").headers


def test_a_handler_of_the_application_s_own(clock: ManualClock) -> None:
    """Not installed, a denial is an error like the application's others."""
    app = FastAPI()
    app.add_api_route("/", hello, dependencies=[Depends(RateLimit(of(clock, "1/minute")))])

    @app.exception_handler(HTTPException)
    async def own(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)

    _, denied = ask(app), ask(app)
    assert denied.json() == {"error": "Rate limit exceeded. Try again in 60 seconds."}
    assert (denied.headers["retry-after"], denied.headers["cache-control"]) == ("60", "no-store")
    problem = ask(app, headers={"accept": "application/problem+json"})
    assert problem.json() == {"error": "Request cannot be satisfied as assigned quota has been exceeded"}


class Note(BaseModel):
    text: str


async def parts(sizes: Iterable[int]) -> Any:
    for size in sizes:
        yield b"x" * size


@pytest.mark.parametrize("path", ["/parsed", "/read", "/swallowed"])
def test_bodies_without_a_declared_length(clock: ManualClock, path: str) -> None:
    limiter, further = of(clock), of(clock)
    app = FastAPI(dependencies=[Depends(RateLimit(further))])
    install(app)
    limits = [Depends(RateLimit(limiter, max_body=10))]

    @app.post("/parsed", dependencies=limits)
    def parsed(note: Note) -> str:
        return note.text

    @app.post("/read", dependencies=limits)
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/swallowed", dependencies=limits)
    async def swallowed(request: Request) -> str:
        try:
            await request.body()
        except Exception:
            return "all is well"
        return ""

    refused = ask(app, path, "POST", content=parts([6, 6]))
    assert refused.status_code == 413
    assert refused.json()["message"] == "Request body too large. The limit is 10 bytes."
    assert "x-ratelimit-limit" not in refused.headers
    assert limiter.peek("192.0.2.1").remaining == further.peek("192.0.2.1").remaining == 2


def test_a_response_that_has_begun_is_not_replaced(clock: ManualClock) -> None:
    limiter = of(clock)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("begun")(scope, receive, send)
        await receive()

    with pytest.raises(Exception, match=r"^$"):
        ask(RateLimitMiddleware(app, limiter, max_body=10), "/", "POST", content=parts([11]))
    assert limiter.peek("192.0.2.1").remaining == 1


def test_a_denial_of_head_has_no_body(clock: ManualClock) -> None:
    """Whether or not the server would drop it."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    around = RateLimitMiddleware(FastAPI(), of(clock), cost=2)
    scope = {"type": "http", "method": "HEAD", "path": "/", "headers": [], "client": ("192.0.2.1", 1)}
    around.gate.judge(ASGIRequest(scope))
    asyncio.run(around(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 429
    assert int(dict(sent[0]["headers"])[b"content-length"]) > 0
    assert [message["body"] for message in sent[1:]] == [b""]


def test_faults_of_the_application_come_through(clock: ManualClock) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("its own")

    for options in ({}, {"max_body": 10}):
        with pytest.raises(RuntimeError, match="its own"):
            ask(RateLimitMiddleware(app, of(clock), **options))

"""The ASGI middleware under uvicorn when a worker dies, and beside Starlette's own middlewares."""

from __future__ import annotations

import asyncio
import gc
import http.client
import os
import signal
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from serving import Server, uvicorn
from tidegate import Limiter
from tidegate.asgi import RateLimitMiddleware
from tidegate.http import ASGIRequest, api_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def scope(**headers: str) -> dict[str, Any]:
    lines = [[name.replace("_", "-").encode(), value.encode()] for name, value in headers.items()]
    return {"type": "http", "method": "GET", "path": "/", "headers": lines, "client": ["192.0.2.1", 1]}


def answered(started: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """What is sent by an application that starts its response so."""
    sent = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, **started})
        await send({"type": "http.response.body", "body": b"hello"})

    async def send(message: Any) -> None:
        sent.append(message)

    middleware = RateLimitMiddleware(app, Limiter("9/minute"), **options)
    asyncio.run(middleware(scope(), None, send))  # type: ignore[arg-type]
    return sent


OURS = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]


@pytest.mark.parametrize("form", [list, tuple, iter])
def test_headers_of_any_form(form: Callable[[Any], Any]) -> None:
    """ASGI wants an iterable of pairs; what pairs are, servers and applications see differently."""
    for pair in ((b"content-type", b"text/plain"), [b"content-type", b"text/plain"]):
        start, body = answered({"headers": form([pair])})
        assert start["headers"][0] is pair
        assert [name.decode() for name, _ in start["headers"][1:]] == OURS
        assert body == {"type": "http.response.body", "body": b"hello"}
    assert [name.decode() for name, _ in answered({})[0]["headers"]] == OURS


def test_headers_that_are_there_stay_and_the_message_too() -> None:
    own = {"headers": [[b"x-ratelimit-limit", b"own"], (b"access-control-expose-headers", b"X-Own")]}
    start, _ = answered(own, expose_headers=True)
    names = [bytes(name).decode() for name, _ in start["headers"]]
    expose = "access-control-expose-headers"
    assert names == ["x-ratelimit-limit", expose, *OURS[1:], expose]
    assert len(own["headers"]) == 2


def test_a_request_by_its_scope() -> None:
    request = ASGIRequest(scope(x_api_key="k", accept="a/b", x_name="caf\xe9"))
    assert (request.method, request.path, request.peer, request.header("accept")) == (
        "GET",
        "/",
        "192.0.2.1",
        "a/b",
    )
    assert api_key()(request) == "k"
    assert request.header("x-name") == "caf\xc3\xa9"  # the bytes, as latin-1
    twice = {**scope(), "headers": [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")], "client": None}
    assert (ASGIRequest(twice).header("a"), ASGIRequest(twice).lines("a")) == ("1, 3", [b"1", b"3"])
    assert ASGIRequest(twice).header("c") is ASGIRequest(twice).peer is None


BOUNDED: dict[str, list[tuple[bytes, bytes]]] = {
    "chunks": [(b"transfer-encoding", b"chunked")],
    "a length beside chunks": [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")],
    "chunks beside a length": [(b"transfer-encoding", b"chunked"), (b"content-length", b"3")],
    "two lengths": [(b"content-length", b"3"), (b"content-length", b"3")],
    "no number": [(b"content-length", b"three")],
    "a sign": [(b"content-length", b"+3")],
    "nothing": [(b"content-length", b"")],
}


@pytest.mark.parametrize("headers", BOUNDED.values(), ids=BOUNDED)
def test_a_length_that_is_none_does_not_lift_the_bound(headers: list[tuple[bytes, bytes]]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(2):
            await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"read"})

    def status(second: bytes) -> int:
        parts = iter([b"12345", second])
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": next(parts), "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(middleware({**scope(), "method": "POST", "headers": headers}, receive, send))
        return sent[0]["status"]  # type: ignore[no-any-return]

    limiter = Limiter("9/minute")
    middleware = RateLimitMiddleware(app, limiter, max_body=10)
    assert [status(b"67890"), status(b"678901")] == [200, 413]
    assert limiter.peek("192.0.2.1").remaining == 8


def test_circles_are_collected() -> None:
    class Kept:
        pass

    def circle() -> weakref.ref[Kept]:
        """An application that keeps its middleware, and a request that keeps itself and its `send`."""
        kept, held = Kept(), scope()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            held.update(kept=kept, send=send, view=ASGIRequest(scope))

        async def send(message: Any) -> None:
            held["sent"] = message

        middleware = RateLimitMiddleware(app, Limiter("9/minute"), cost=lambda _: len([middleware]))
        asyncio.run(middleware(held, None, send))  # type: ignore[arg-type]
        return weakref.ref(kept)

    kept = circle()
    gc.collect()
    assert kept() is None


def test_a_killed_worker_admits_nothing_more(tmp_path: Path) -> None:
    """Each of four takes one, then eight clients come at full speed, and one of the four is killed."""
    answers: list[int] = []
    lost: list[Exception] = []

    def client(server: Server) -> None:
        for _ in range(40):
            try:
                answers.append(server.ask(host="around.workers", x_api_key="hot").status)
            except (OSError, http.client.HTTPException) as error:
                lost.append(error)

    with uvicorn("asgi_app:app", workers=4, SEGMENTS=str(tmp_path)) as server:
        first = server.ask_each(4, host="around.workers", x_api_key="hot")
        assert [answer.headers["X-RateLimit-Remaining"] for answer in first] == ["99", "98", "97", "96"]
        clients = [threading.Thread(target=client, args=(server,)) for _ in range(8)]
        for thread in clients:
            thread.start()
        os.kill(int(first[0].body), signal.SIGKILL)
        for thread in clients:
            thread.join()
    admitted = 4 + answers.count(200)
    assert set(answers) == {200, 429}
    assert Limiter("100/hour", segment=tmp_path / "around.workers.").peek("hot").remaining == 0
    # Who was answered by nobody may have been admitted.
    assert admitted <= 100 <= admitted + len(lost)

"""The ASGI middleware, under uvicorn."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from serving import Server, uvicorn
from tidegate import Limiter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with uvicorn(
        "asgi_app:app", SEGMENT=str(tmp_path_factory.mktemp("asgi") / "limits"), POLICY="2/hour"
    ) as it:
        yield it


def test_a_request_beyond_the_quota(server: Server) -> None:
    first, _, denied = (server.ask(x_api_key="quota") for _ in range(3))
    assert (first.status, denied.status) == (200, 429)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("2", "1")
    assert first.headers["Access-Control-Expose-Headers"].startswith("X-RateLimit-Limit, ")
    assert "Retry-After" not in first.headers
    assert denied.headers["Retry-After"] in ("3600", "3601")
    assert denied.headers["Content-Type"] == "application/json"
    assert denied.headers["Cache-Control"] == "no-store"
    wait = denied.headers["Retry-After"]
    assert denied.body.decode() == (
        f'{{"message":"Rate limit exceeded. Try again in {wait} seconds.","status":"error"}}'
    )
    assert server.ask(x_api_key="quota", accept="application/problem+json").body.startswith(
        b'{"type":"https://iana'
    )
    assert server.ask(authorization="Bearer another").status == 200


def test_the_client_behind_a_proxy(server: Server) -> None:
    asked = [server.ask(x_forwarded_for=f"192.0.2.{n}, 2001:db8:1:2::{n}").status for n in range(3)]
    assert asked == [200, 200, 429]


def test_head_is_as_get(server: Server) -> None:
    assert server.ask(method="HEAD", x_api_key="head").headers["X-RateLimit-Remaining"] == "1"
    assert server.ask(method="GET", x_api_key="head").headers["X-RateLimit-Remaining"] == "0"
    denied = server.ask(method="HEAD", x_api_key="head")
    assert (denied.status, denied.body) == (429, b"")
    assert int(denied.headers["Content-Length"]) > 0


def test_what_is_not_counted(server: Server) -> None:
    preflight = {"origin": "https://example.com", "access_control_request_method": "GET"}
    for _ in range(4):
        asked = server.ask(method="OPTIONS", x_api_key="free", **preflight)
        assert (asked.status, asked.headers["X-RateLimit-Limit"]) == (405, None)
        assert server.ask("/ready", x_api_key="free").status == 404
    assert server.ask(method="OPTIONS", x_api_key="free").headers["X-RateLimit-Remaining"] == "1"


def test_streams_and_websockets(server: Server) -> None:
    streamed = server.ask("/stream", x_api_key="stream")
    assert (streamed.body, streamed.headers["Transfer-Encoding"]) == (b"one two", "chunked")
    assert streamed.headers["X-RateLimit-Remaining"] == "1"

    async def echoes() -> list[str | bytes]:
        from websockets.asyncio.client import connect

        said = []
        for word in ("a", "b", "c"):
            async with connect(
                f"ws://127.0.0.1:{server.port}/echo", additional_headers={"X-API-Key": "ws"}
            ) as ws:
                await ws.send(word)
                said.append(await ws.recv())
        return said

    assert asyncio.run(echoes()) == ["a", "b", "c"]


def test_a_body_too_large_costs_nothing(server: Server) -> None:
    told = server.ask("/upload", "POST", b"12345678901", x_api_key="body")
    untold = server.ask("/upload", "POST", iter([b"123456", b"789012"]), x_api_key="body")
    for refused in (told, untold):
        assert refused.status == 413
        assert (
            refused.body == b'{"message":"Request body too large. The limit is 10 bytes.","status":"error"}'
        )
    within = server.ask("/upload", "POST", iter([b"12345", b"67890"]), x_api_key="body")
    assert (within.status, within.body, within.headers["X-RateLimit-Remaining"]) == (200, b"10", "1")


@pytest.mark.parametrize("kill", [False, True], ids=["undisturbed", "a worker is killed"])
def test_four_workers_admit_one_quota(tmp_path: Path, kill: bool) -> None:
    """Each worker takes one, then eight clients at full speed, from whichever worker they come to."""
    segment = tmp_path / "limits"
    answers: list[int] = []
    lost: list[Exception] = []

    def client(server: Server) -> None:
        for _ in range(40):
            try:
                answers.append(server.ask(x_api_key="hot").status)
            except (OSError, http.client.HTTPException) as error:
                lost.append(error)

    with uvicorn("asgi_app:app", workers=4, SEGMENT=str(segment), POLICY="100/hour") as server:
        first = server.ask_each(4, x_api_key="hot")
        assert [answer.headers["X-RateLimit-Remaining"] for answer in first] == ["99", "98", "97", "96"]
        clients = [threading.Thread(target=client, args=(server,)) for _ in range(8)]
        for thread in clients:
            thread.start()
        if kill:
            os.kill(int(first[0].body), signal.SIGKILL)
        for thread in clients:
            thread.join()
    admitted = 4 + answers.count(200)
    assert set(answers) == {200, 429}
    assert Limiter("100/hour", segment=segment).peek("hot").remaining == 0
    if kill:
        # Who was answered by nobody may have been admitted.
        assert admitted <= 100 <= admitted + len(lost)
    else:
        assert (admitted, lost) == (100, [])

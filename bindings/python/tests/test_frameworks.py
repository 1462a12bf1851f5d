"""What every framework answers, under the servers that people run it with.

`apps/cases.py` says what the applications are set up with: a test asks for one of its cases.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from serving import Answer, Server, gunicorn, uvicorn, waitress
from tidegate import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

WORKERS = 2
SERVERS: dict[str, Callable[..., AbstractContextManager[Server]]] = {
    "starlette, uvicorn": lambda **environment: uvicorn("asgi_app:app", WORKERS, **environment),
    "fastapi, uvicorn": lambda **environment: uvicorn("fastapi_app:app", 4, **environment),
    "django, uvicorn": lambda **environment: uvicorn("django_app:asgi", WORKERS, **environment),
    "django, gunicorn": lambda **environment: gunicorn("django_app:wsgi", WORKERS, **environment),
    "flask, gunicorn": lambda **environment: gunicorn("flask_app:app", WORKERS, **environment),
    "wsgi, gunicorn": lambda **environment: gunicorn("wsgi_app:app", WORKERS, **environment),
    "wsgi, waitress": waitress,
}
VARIANTS = {
    "starlette": ["around", "added"],
    "fastapi": ["installed", "bare", "middleware"],
    "django": ["middleware", "decorator"],
    "flask": ["extension", "route"],
    "wsgi": ["middleware"],
}
TARGETS = [(server, variant) for server in SERVERS for variant in VARIANTS[server.split(",")[0]]]


class Target:
    """An application under a server, in one of the ways to put a limiter before it."""

    def __init__(self, name: str, variant: str, server: Server, segments: Path) -> None:
        self.name = name
        self.variant = variant
        self.server = server
        self.segments = segments
        self.has_websockets = "starlette" in name or "fastapi" in name
        # Django reads no such body under WSGI.
        self.has_undeclared_bodies = name != "django, gunicorn" and variant != "bare"
        #: It is asked about every path, also one that has no route.
        self.is_before_routes = variant in ("around", "added", "middleware", "extension")
        #: Denials have the form of the application's own errors.
        self.is_bare = variant == "bare"
        self.workers = 4 if "fastapi" in name else 1 if "waitress" in name else WORKERS

    def ask(
        self, case: str, path: str = "/", method: str = "GET", body: object = None, **headers: str
    ) -> Answer:
        return self.server.ask(path, method, body, host=f"{self.variant}.{case}", **headers)

    def remaining(self, case: str, key: str) -> int:
        """What this case's segment says of a key, of 2 an hour."""
        return Limiter("2/hour", segment=self.segments / f"{self.variant}.{case}.").peek(key).remaining


class Running:
    """The one server that runs: it ends when another is wanted."""

    def __init__(self, segments: Callable[[], Path]) -> None:
        self._stack = contextlib.ExitStack()
        self._segments = segments
        self._name = ""

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def get(self, name: str) -> tuple[Server, Path]:
        if name != self._name:
            self._stack.close()
            self._name = name
            segments = self._segments()
            self._running = self._stack.enter_context(SERVERS[name](SEGMENTS=str(segments))), segments
        return self._running


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(lambda: tmp_path_factory.mktemp("segments")) as it:
        yield it


@pytest.fixture(scope="module", params=TARGETS, ids=", ".join)
def target(request: pytest.FixtureRequest, running: Running) -> Target:
    name, variant = request.param
    return Target(name, variant, *running.get(name))


def test_a_request_beyond_the_quota(target: Target) -> None:
    first, second, denied = (target.ask("quota", x_api_key="a") for _ in range(3))
    assert [first.status, second.status, denied.status] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Limit"] for answer in (first, second, denied)] == ["2"] * 3
    assert [answer.headers["X-RateLimit-Remaining"] for answer in (first, second, denied)] == ["1", "0", "0"]
    assert first.headers["Retry-After"] is None
    wait = denied.headers["Retry-After"]
    assert 1 < int(wait) <= 3601
    assert denied.headers["Cache-Control"] == "no-store"
    assert denied.headers["Content-Type"] == "application/json"
    message = f"Rate limit exceeded. Try again in {wait} seconds."
    said = f'{{"detail":"{message}"}}' if target.is_bare else f'{{"message":"{message}","status":"error"}}'
    assert denied.body.decode() == said
    assert int(denied.headers["Content-Length"]) == len(said)
    for answer in (first, denied):
        names = answer.headers["Access-Control-Expose-Headers"]
        assert names == "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After"
        assert len(answer.headers.get_all("X-RateLimit-Limit")) == 1


def test_a_denial_as_a_problem(target: Target) -> None:
    asked = [target.ask("quota", x_api_key="problem", accept="application/problem+json") for _ in range(3)]
    if not target.is_bare:
        assert asked[2].headers["Content-Type"] == "application/problem+json"
        assert asked[2].body.startswith(b'{"type":"https://iana.org/assignments/')
    assert (asked[2].status, "Retry-After" in asked[2].headers) == (429, True)


def test_keys(target: Target) -> None:
    """API keys, bearer tokens, another header: each counts by itself; none is counted by address."""
    for shown in ({"x_api_key": "b"}, {"authorization": "Bearer c"}, {}):
        asked = [target.ask("quota", **shown).status for _ in range(3)]
        assert asked == [200, 200, 429]
    assert target.ask("quota", authorization="Bearer b").status == 429  # the same key
    assert [target.ask("user", x_user=user).status for user in "xxyxy"] == [200, 200, 200, 429, 200]
    types = ["text/a", "text/a", "text/b", "text/a", "text/b"]
    assert [target.ask("type", content_type=kind).status for kind in types] == [200, 200, 200, 429, 200]


def test_addresses(target: Target) -> None:
    """Whom a trusted proxy answers for; by networks where there are many addresses to a client."""
    lines = [f"192.0.2.{n}, 2001:db8:1:2::{n}" for n in range(3)]
    assert [target.ask("address", x_forwarded_for=line).status for line in lines] == [200, 200, 429]
    assert target.ask("address", x_forwarded_for="2001:db8:1:3::1").status == 200
    assert target.ask("address", x_forwarded_for="192.0.2.1").status == 200
    networks = [f'for="[2001:db8:1:{n}::1]"' for n in range(3)]
    assert [target.ask("network", forwarded=network).status for network in networks] == [200, 200, 429]
    # Nobody is believed by default, and who shows no key is still somebody.
    assert [target.ask("peer", x_forwarded_for=f"192.0.2.{n}").status for n in range(3)] == [200, 200, 429]
    shown = [{"x_forwarded_for": "192.0.2.1"}, {"x_forwarded_for": "192.0.2.1", "x_api_key": "e"}]
    assert [target.ask("either", **shown[n]).headers["X-RateLimit-Remaining"] for n in (0, 1, 0)] == [*"110"]


def test_tiers(target: Target) -> None:
    free = [target.ask("tier", x_api_key="f").headers["X-RateLimit-Remaining"] for _ in range(2)]
    assert free == ["1", "0"]
    assert target.ask("tier", x_api_key="f").status == 429
    assert target.ask("tier", x_api_key="f", x_tier="pro").headers["X-RateLimit-Remaining"] == "49"
    for _ in range(3):
        uncounted = target.ask("tier", x_api_key="f", x_tier="root")
        assert (uncounted.status, uncounted.headers["X-RateLimit-Limit"]) == (200, None)


def test_costs(target: Target) -> None:
    left = [target.ask("cost", x_api_key="g", x_cost=cost).headers["X-RateLimit-Remaining"] for cost in "301"]
    assert left == ["2", None, "1"]
    assert target.ask("cost", x_api_key="g", x_cost="2").status == 429
    never = target.ask("cost", x_api_key="g", x_cost="6")
    assert (never.status, never.headers["Retry-After"]) == (400, None)
    assert b"The request costs more than its quota ever admits." in never.body
    first, second = (target.ask("costs", x_api_key="h") for _ in range(2))
    assert (first.status, first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == (
        200,
        "9",
        "8",
    )
    assert (second.status, second.headers["X-RateLimit-Limit"], second.headers["X-RateLimit-Remaining"]) == (
        429,
        "1000",
        "100",
    )


def test_what_is_free(target: Target) -> None:
    preflight = {"origin": "https://example.com", "access_control_request_method": "GET"}
    for _ in range(3):
        asked = [
            target.ask("exempt", method="OPTIONS", x_api_key="i", **preflight),
            target.ask("exempt", "/free", x_api_key="i"),
            target.ask("exempt", "/static/a.css", x_api_key="i"),
            target.ask("exempt", x_api_key="i", x_probe="1"),
        ]
        assert [answer.status for answer in asked[1:]] == [200] * 3
        assert [answer.headers["X-RateLimit-Limit"] for answer in asked] == [None] * 4
    # OPTIONS is a request like others where no browser asks before another.
    assert target.ask("exempt", method="OPTIONS", x_api_key="i").headers["X-RateLimit-Remaining"] == "1"


def test_a_path_is_free_only_as_the_router_reads_it(target: Target) -> None:
    if not target.is_before_routes:
        return
    paths = ["/orders/../free", "/orders/..%2Ffree", "/orders/7/../../static/%2e./free"]
    for path in [*paths, "/static//own", "/static\\..\\own"]:
        counted = target.ask("exempt", path, x_api_key=path)
        assert (path, counted.headers["X-RateLimit-Remaining"]) == (path, "1")


def test_styles(target: Target) -> None:
    first, _, denied = (target.ask("ietf", x_api_key="j") for _ in range(3))
    assert first.headers["RateLimit-Policy"] == '"hour";q=2;w=3600'
    assert first.headers["RateLimit"].startswith('"hour";r=1;t=')
    assert (denied.status, denied.headers["RateLimit"].split(";t=")[0]) == (429, '"hour";r=0')
    assert first.headers["X-RateLimit-Limit"] is first.headers["Access-Control-Expose-Headers"] is None
    both = target.ask("both", x_api_key="j")
    assert both.headers["X-RateLimit-Limit"] == both.headers["RateLimit-Limit"] == "2"
    exposed = both.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-RateLimit-Reset", "RateLimit-Remaining", "Retry-After"} < {*exposed}


def test_what_a_response_says_itself_stays(target: Target) -> None:
    own = target.ask("quota", "/own", x_api_key="k")
    assert (own.status, own.body) == (200, b"own")
    assert own.headers.get_all("X-RateLimit-Limit") == ["own"]
    assert own.headers["X-RateLimit-Remaining"] == "1"
    exposed = ", ".join(own.headers.get_all("Access-Control-Expose-Headers"))
    if target.is_bare:
        assert exposed == "X-Own"  # the route has the last word
    else:
        assert exposed.startswith("X-Own, X-RateLimit-Limit, ")


def test_head_is_as_get(target: Target) -> None:
    assert target.ask("quota", method="HEAD", x_api_key="l").headers["X-RateLimit-Remaining"] == "1"
    assert target.ask("quota", method="GET", x_api_key="l").headers["X-RateLimit-Remaining"] == "0"
    with socket.create_connection(("127.0.0.1", target.server.port), timeout=20) as connection:
        head = f"HEAD / HTTP/1.1\r\nHost: {target.variant}.quota\r\nX-API-Key: l\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        denied = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert denied.startswith(b"HTTP/1.1 429 ")
    assert b"retry-after: " in denied.lower()
    assert denied.endswith(b"\r\n\r\n")  # and no body


def test_a_declared_body_too_large(target: Target) -> None:
    refused = target.ask("body", "/upload", "POST", b"12345678901", x_api_key="m")
    assert refused.status == 413
    message = "Request body too large. The limit is 10 bytes."
    said = f'{{"detail":"{message}"}}' if target.is_bare else f'{{"message":"{message}","status":"error"}}'
    assert refused.body.decode() == said
    assert refused.headers["X-RateLimit-Limit"] is refused.headers["Retry-After"] is None
    assert target.remaining("body", "m") == 2
    within = target.ask("body", "/upload", "POST", b"1234567890", x_api_key="m")
    assert (within.status, within.body, within.headers["X-RateLimit-Remaining"]) == (200, b"10", "1")


def test_an_undeclared_body_too_large(target: Target) -> None:
    if not target.has_undeclared_bodies:
        pytest.skip("no such body is read")
    # A WSGI application may read on when its response has begun, but nothing of it is sent.
    for path in ["/upload", "/upload-lazily"] if "wsgi" in target.name else ["/upload"]:
        refused = target.ask("body", path, "POST", iter([b"123456", b"789012"]), x_api_key=path)
        assert refused.status == 413
        assert (
            refused.body == b'{"message":"Request body too large. The limit is 10 bytes.","status":"error"}'
        )
        assert refused.headers["X-RateLimit-Limit"] is None
        assert target.remaining("body", path) == 2
        within = target.ask("body", path, "POST", iter([b"12345", b"67890"]), x_api_key=path)
        assert (within.status, within.body, within.headers["X-RateLimit-Remaining"]) == (200, b"10", "1")


def test_a_body_longer_than_declared(target: Target) -> None:
    """In chunks, which make its Content-Length void. Some servers refuse such a request themselves."""
    if target.is_bare:
        pytest.skip("no body is bounded")
    for length in ("3", "0", "+3", ""):
        head = (
            f"POST /upload HTTP/1.1\r\nHost: {target.variant}.body\r\nX-API-Key: n\r\nConnection: close\r\n"
        )
        body = f"Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n"
        with socket.create_connection(("127.0.0.1", target.server.port), timeout=20) as connection:
            connection.sendall((head + body).encode())
            refused = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert refused.split(b" ")[1] in (b"413", b"400"), length
        assert target.remaining("body", "n") == 2


def test_the_application_s_own_413_is_its_own(target: Target) -> None:
    refused = target.ask("body", "/refuses", x_api_key="o")
    assert (refused.status, refused.body) == (413, b"own")
    assert target.remaining("body", "o") == 1


def test_a_fault_of_the_application_is_counted(target: Target) -> None:
    assert [target.ask("quota", "/fails", x_api_key="p").status for _ in range(3)] == [500, 500, 429]


def test_a_response_in_parts(target: Target) -> None:
    streamed = target.ask("quota", "/stream", x_api_key="q")
    assert (streamed.status, streamed.body) == (200, b"one two")
    assert streamed.headers["Transfer-Encoding"] == "chunked"
    if not target.is_bare:
        assert streamed.headers["X-RateLimit-Remaining"] == "1"
    assert target.remaining("quota", "q") == 1


@pytest.mark.parametrize("case", ["quota", "body"])
def test_parts_are_sent_as_they_come(target: Target, case: str) -> None:
    pipe = target.segments / "go"
    os.mkfifo(pipe)
    connection = http.client.HTTPConnection("127.0.0.1", target.server.port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/stream", headers={"Host": f"{target.variant}.{case}", "X-API-Key": "u"})
        response = connection.getresponse()
        assert response.read(4) == b"one "
        pipe.write_bytes(b"go")
        assert response.read() == b"two"
    pipe.unlink()


def test_websockets_are_untouched(target: Target) -> None:
    if not target.has_websockets:
        pytest.skip("it has none")
    from websockets.asyncio.client import connect

    async def echo(word: str) -> Any:
        url = f"ws://{target.variant}.quota:{target.server.port}/echo"
        async with connect(url, host="127.0.0.1", additional_headers={"X-API-Key": "r"}) as websocket:
            await websocket.send(word)
            return await websocket.recv()

    assert [asyncio.run(echo(word)) for word in "abc"] == ["a", "b", "c"]
    assert target.remaining("quota", "r") == 2


def test_when_nothing_can_be_decided(target: Target) -> None:
    refused = target.ask("broken", x_api_key="s")
    assert (refused.status, refused.headers["Retry-After"]) == (503, None)
    assert b"Rate limits can't be checked at the moment." in refused.body
    passed = target.ask("open", x_api_key="s")
    assert (passed.status, passed.headers["X-RateLimit-Limit"]) == (200, None)


def test_clients_that_go_away(target: Target) -> None:
    """In the middle of their request, or of the response."""
    host = f"Host: {target.variant}.body\r\nX-API-Key: t\r\n"
    requests = [
        f"POST /upload HTTP/1.1\r\n{host}Content-Length: 10\r\n\r\n123",
        f"POST /upload HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n",
        f"GET /stream HTTP/1.1\r\n{host}\r\n",
    ]
    for request in requests:
        with socket.create_connection(("127.0.0.1", target.server.port), timeout=20) as connection:
            connection.sendall(request.encode())
    assert [target.ask("quota", x_api_key="t").status for _ in range(3)] == [200, 200, 429]


def test_all_workers_admit_one_quota(target: Target) -> None:
    """Each worker takes one, then eight clients at full speed."""
    host = f"{target.variant}.workers"
    first = target.server.ask_each(target.workers, host=host, x_api_key="hot")
    answers: list[int] = []

    def client() -> None:
        answers.extend(target.ask("workers", x_api_key="hot").status for _ in range(15))

    clients = [threading.Thread(target=client) for _ in range(8)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert {answer.status for answer in first} == {200}
    assert len(first) + answers.count(200) == 100
    assert answers.count(429) == 120 - answers.count(200)

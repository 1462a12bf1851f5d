"""What the frameworks share, by itself."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from tidegate import MAX_KEY_BYTES, InvalidError, Limiter, ManualClock, Policy
from tidegate.http import (
    Admission,
    ASGIRequest,
    Gate,
    Refusal,
    Request,
    WSGIRequest,
    api_key,
    client_address,
    first_of,
    header,
)


def asgi(method: str = "GET", path: str = "/", peer: str | None = "192.0.2.1", **headers: str) -> Request:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    client = None if peer is None else (peer, 1)
    return ASGIRequest({"type": "http", "method": method, "path": path, "headers": lines, "client": client})


def wsgi(method: str = "GET", path: str = "/", peer: str | None = "192.0.2.1", **headers: str) -> Request:
    lines = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    for name in ("CONTENT_LENGTH", "CONTENT_TYPE"):
        lines[name] = lines.pop(f"HTTP_{name}", "")
    return WSGIRequest({"REQUEST_METHOD": method, "PATH_INFO": path, "REMOTE_ADDR": peer or "", **lines})


@pytest.fixture(params=[asgi, wsgi])
def request_of(request: pytest.FixtureRequest) -> Any:
    return request.param


def remaining(judged: Admission | Refusal) -> int | None:
    assert isinstance(judged, Admission)
    return judged.decision.remaining if judged.decision is not None else None


def test_keys(request_of: Any) -> None:
    assert api_key()(request_of(authorization="Bearer s3cret")) == "s3cret"
    assert api_key()(request_of(x_api_key="k-1")) == "k-1"
    assert api_key()(request_of()) is None
    assert header("X-User")(request_of(x_user="alice")) == "alice"
    assert client_address()(request_of(x_forwarded_for="198.51.100.7")) == "192.0.2.1"
    trusted = client_address("192.0.2.0/24", ipv6_prefix=48)
    assert trusted(request_of(x_forwarded_for="2001:db8:1:2::3")) == "2001:db8:1::/48"
    forwarded = client_address("192.0.2.1", forwarded="Forwarded")
    assert (
        forwarded(request_of(forwarded="for=198.51.100.7", x_forwarded_for="198.51.100.8")) == "198.51.100.7"
    )
    assert client_address()(request_of(peer="fe80::1%eth0")) == "fe80::/64"
    assert client_address()(request_of(peer=None)) is client_address()(request_of(peer="testclient")) is None
    either = first_of(api_key(), client_address())
    assert [either(request_of(x_api_key="k-1")), either(request_of())] == ["k-1", "192.0.2.1"]


def test_the_headers_of_a_body(request_of: Any) -> None:
    request = request_of(content_type="text/csv", content_length="7")
    assert [request.header("content-type"), request.header("content-length")] == ["text/csv", "7"]
    bare = request_of()
    assert bare.header("content-type") is bare.header("content-length") is None
    assert bare.lines("content-type") == []


@pytest.mark.parametrize("shown", [{}, {"x_user": ""}, {"x_user": "k" * 70_000}])
def test_who_shows_no_key_is_counted_by_address(
    clock: ManualClock, request_of: Any, shown: dict[str, str]
) -> None:
    limiter = Limiter("3/minute", clock=clock)
    gate = Gate(limiter, key=header("x-user"))
    assert remaining(gate.judge(request_of(**shown))) == 2
    assert limiter.peek("192.0.2.1").remaining == 2
    assert remaining(gate.judge(request_of(peer=None))) == 2
    assert limiter.peek("unix").remaining == 2


@pytest.mark.parametrize("one", ["k", b"k", "\xe4", "\N{WAVE DASH}", "\N{WATER WAVE}"])
def test_keys_are_as_long_as_a_limiter_takes(clock: ManualClock, one: str | bytes) -> None:
    limiter = Limiter("3/minute", clock=clock)
    longest = one * (MAX_KEY_BYTES // len(one.encode() if isinstance(one, str) else one))
    assert remaining(Gate(limiter, key=lambda request: longest).judge(asgi())) == 2
    assert limiter.peek(longest).remaining == 2
    assert limiter.peek("192.0.2.1").remaining == 3
    assert remaining(Gate(limiter, key=lambda request: longest + one[:1]).judge(asgi())) == 2
    assert limiter.peek("192.0.2.1").remaining == 2


@pytest.mark.parametrize("wrong", [7, [b"k"], ("k",), bytearray(b"k")])
def test_what_is_no_key_is_a_fault(wrong: Any) -> None:
    with pytest.raises(
        TypeError, match="a key function gives str, bytes or None, not " + type(wrong).__name__
    ):
        Gate(Limiter("1/minute"), key=lambda request: wrong, fail_open=True).judge(asgi())


def test_exempt_paths(clock: ManualClock, request_of: Any) -> None:
    gate = Gate(
        Limiter("9/minute", clock=clock), exempt=["/health", "/static/", lambda r: r.method == "TRACE"]
    )
    for free in ("/health", "/static", "/static/", "/static/a/b", "/static/a b/..c/.d/e..", "/static/\xe4"):
        assert remaining(gate.judge(request_of(path=free))) is None
    for i, counted in enumerate(["/", "/healthy", "/statics", "/health/", "/health/x", "/Health"]):
        assert remaining(gate.judge(request_of(path=counted))) == 8 - i
    assert remaining(gate.judge(request_of("TRACE"))) is None


@pytest.mark.parametrize(
    "path",
    [
        "/orders/../health",
        "/orders/7/../../static/../health",
        "/static/../orders",
        "/static/..",
        "/static/./orders",
        "/static/.",
        "/static//orders",
        "//health",
        "//static/orders",
        "/static/..\\orders",
        # Decoded once: who decodes it again reads another path.
        "/static/%2e%2e/orders",
        "/static/..%2forders",
    ],
)
def test_a_path_that_routers_may_read_as_another_is_not_exempt(
    clock: ManualClock, request_of: Any, path: str
) -> None:
    gate = Gate(Limiter("9/minute", clock=clock), exempt=["/health", "/static/"])
    assert remaining(gate.judge(request_of(path=path))) == 8


def test_exempt_paths_are_whole_ones(clock: ManualClock) -> None:
    gate = Gate(Limiter("9/minute", clock=clock), exempt=["/api/health"])
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/api", "REMOTE_ADDR": "192.0.2.1"}
    assert remaining(gate.judge(WSGIRequest({**environ, "PATH_INFO": "/health"}))) is None
    assert remaining(gate.judge(WSGIRequest({**environ, "PATH_INFO": "/api/health"}))) == 8
    assert remaining(gate.judge(WSGIRequest({**environ, "PATH_INFO": "/../api/health"}))) == 7


def test_an_encoded_slash_is_not_exempt(clock: ManualClock) -> None:
    gate = Gate(Limiter("9/minute", clock=clock), exempt=["/static/"])
    scope = {"type": "http", "method": "GET", "path": "/static/x/orders", "headers": [], "client": None}
    assert remaining(gate.judge({**scope, "raw_path": b"/static%2Fx/orders"})) == 8
    assert remaining(gate.judge({**scope, "raw_path": b"/static/x%2forders"})) == 7
    for sent in (b"/static/x/orders", b"/st%61tic/x/orders", None):
        assert remaining(gate.judge({**scope, "raw_path": sent})) is None


def test_tiers_and_costs(clock: ManualClock, request_of: Any) -> None:
    tiers = {"free": Limiter("2/minute", clock=clock), "pro": Limiter("50/minute", clock=clock), "root": None}
    gate = Gate(
        lambda request: tiers[request.header("x-tier") or "free"], cost=lambda request: len(request.path)
    )
    assert remaining(gate.judge(request_of(path="/a"))) == 0
    assert remaining(gate.judge(request_of(path="/abcd", x_tier="pro"))) == 45
    assert remaining(gate.judge(request_of(path="/abcd", x_tier="root"))) is None
    refused = gate.judge(request_of(path="/abcd"))
    assert isinstance(refused, Refusal)
    assert refused.status == 400
    assert (
        refused.body == b'{"message":"The request costs more than its quota ever admits.","status":"error"}'
    )
    named = Gate(Limiter("requests: 2/minute; tokens: 9/minute", clock=clock), cost={"tokens": 5})
    assert remaining(named.judge(request_of())) == 2


@pytest.mark.parametrize("cost", [0, {}, {"tokens": 0}, {"requests": 0, "tokens": 0}])
def test_a_cost_of_nothing_is_not_counted(clock: ManualClock, request_of: Any, cost: Any) -> None:
    limiter = Limiter("requests: 2/minute; tokens: 9/minute", clock=clock)
    for option in (cost, lambda request: cost):
        assert remaining(Gate(limiter, cost=option).judge(request_of())) is None
    assert limiter.peek("192.0.2.1").remaining == 2


def test_styles_and_bodies(clock: ManualClock, request_of: Any) -> None:
    gate = Gate(Limiter("1/minute", clock=clock), style="ietf", expose_headers=True, retry_jitter=5)
    admitted = gate.judge(request_of())
    assert isinstance(admitted, Admission)
    assert admitted.headers() == {
        "RateLimit-Policy": '"minute";q=1;w=60',
        "RateLimit": '"minute";r=0;t=60',
        "Access-Control-Expose-Headers": "RateLimit-Policy, RateLimit, Retry-After",
    }
    assert admitted.raw_headers() == [(n.lower().encode(), v.encode()) for n, v in admitted.headers().items()]
    waits = set()
    for _ in range(100):
        denied = gate.judge(request_of())
        assert isinstance(denied, Refusal)
        waits.add(int(denied.headers["Retry-After"]))
        assert f"in {denied.headers['Retry-After']} seconds" in denied.body.decode()
    assert waits == {60, 61, 62, 63, 64, 65}
    problem = gate.judge(request_of(accept="application/problem+json"))
    assert isinstance(problem, Refusal)
    assert problem.headers["Content-Type"] == "application/problem+json"


def test_bodies_within_the_policy_s_limit(clock: ManualClock, request_of: Any) -> None:
    limiter = Limiter(Policy("2/minute", max_body=10), clock=clock)
    refused = Gate(limiter).judge(asgi(content_length="11"))
    assert isinstance(refused, Refusal)
    assert refused.status == 413
    assert remaining(Gate(limiter).judge(asgi(content_length="10"))) == 1
    assert remaining(Gate(limiter, max_body=99).judge(asgi(content_length="99"))) == 0


@pytest.mark.parametrize("fail_open", [False, True])
def test_a_limiter_that_cannot_be_had_is_logged(
    caplog: pytest.LogCaptureFixture, request_of: Any, fail_open: bool
) -> None:
    def cannot(request: Request) -> Limiter:
        raise FileNotFoundError("tiers.toml")

    Gate(cannot, fail_open=fail_open).judge(request_of())
    [record] = caplog.records
    assert (record.name, record.levelname) == ("tidegate", "ERROR")
    then = "passes uncounted" if fail_open else "is answered with 503"
    assert record.getMessage() == f"no limiter can be had, so the request {then}: tiers.toml"
    assert record.exc_info is not None
    frames = traceback.extract_tb(record.exc_info[2])
    assert frames[-1].name == "cannot"


def test_when_nothing_can_be_decided(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Limiter):
        def check(self, key: Any, cost: Any = 1) -> Any:
            raise OSError("no table")

    # What functions give wrongly is no such case, and nobody passes by it.
    for cost in (-1, {"unknown": 1}):
        gate = Gate(Limiter("1/minute"), cost=lambda request, cost=cost: cost, fail_open=True)  # type: ignore[misc]
        with pytest.raises(InvalidError, match="cost"):
            gate.judge(asgi())

    def cannot(request: Request) -> Limiter:
        raise OSError("no segment")

    refused = Gate(cannot).judge(asgi())
    assert isinstance(refused, Refusal)
    assert refused.status == 503
    assert remaining(Gate(cannot, fail_open=True).judge(asgi())) is None
    limiter = Broken("1/minute", clock=clock)
    refused = Gate(limiter).judge(asgi())
    assert isinstance(refused, Refusal)
    assert refused.status == 503
    assert remaining(Gate(limiter, fail_open=True).judge(asgi())) is None

"""Flask's own ways, beside ours."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import flask
import pytest
from werkzeug.exceptions import RequestEntityTooLarge

from tidegate import Limiter, ManualClock
from tidegate.flask import RateLimit
from tidegate.http import header
from tidegate.wsgi import RateLimitMiddleware

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def of(clock: ManualClock, policy: str = "2/minute") -> Limiter:
    return Limiter(policy, clock=clock)


@pytest.fixture
def app() -> flask.Flask:
    return flask.Flask("test")


def ask(app: flask.Flask, path: str = "/", method: str = "GET", **options: Any) -> TestResponse:
    return app.test_client().open(path, method=method, **options)


def chunked(body: bytes, **more: str) -> dict[str, Any]:
    """What a server says of a body whose end it sees by itself."""
    return {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, **more}


def test_the_application_s_limit_and_a_route_s(app: flask.Flask, clock: ManualClock) -> None:
    limits = RateLimit(of(clock, "9/minute"), app, expose_headers=True)

    @app.get("/a")
    @limits.limit(of(clock))
    def a() -> str:
        return "a"

    @app.get("/b")
    async def b() -> str:
        return "b"

    @app.get("/c")
    @limits.exempt
    def c() -> str:
        return "c"

    @app.get("/d")
    @limits.limit(of(clock), style="ietf", key=header("x-user"))
    async def d() -> str:
        return "d"

    answers = [ask(app, path) for path in ("/a", "/a", "/a", "/b", "/c", "/nowhere", "/d")]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200, 404, 200]
    said = [answer.headers.getlist("X-RateLimit-Limit") for answer in answers]
    assert said == [["2"], ["2"], ["2"], ["9"], [], ["9"], ["9"]]
    assert answers[3].headers["X-RateLimit-Remaining"] == "5"
    assert answers[6].headers["RateLimit"] == '"minute";r=1;t=60'
    assert answers[0].headers.getlist("Access-Control-Expose-Headers") == [
        "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After"
    ]
    exposed = answers[6].headers["Access-Control-Expose-Headers"]
    assert exposed.startswith("RateLimit-Policy, RateLimit, Retry-After, X-RateLimit-Limit, ")


def test_what_is_exempt_stays_so_under_other_decorators(app: flask.Flask, clock: ManualClock) -> None:
    everybody = of(clock, "9/minute")
    limits = RateLimit(everybody, app)

    def other(view: Any) -> Any:
        @functools.wraps(view)
        def called() -> Any:
            return view()

        return called

    def hello() -> str:
        return "hello"

    limit = limits.limit(of(clock))
    app.add_url_rule("/a", "a", other(other(limits.exempt(hello))))
    app.add_url_rule("/b", "b", limit(limits.exempt(lambda: "b")))
    app.add_url_rule("/c", "c", limits.exempt(limit(lambda: "c")))
    app.add_url_rule("/d", "d", other(lambda: "d"))
    said = [ask(app, path).headers.get("X-RateLimit-Remaining") for path in ("/a", "/b", "/c", "/d", "/b")]
    assert said == [None, "1", "0", "8", "0"]
    assert everybody.peek("127.0.0.1").remaining == 8


def test_init_app_for_several_applications(clock: ManualClock) -> None:
    limits = RateLimit(of(clock))
    apps = [flask.Flask("one"), flask.Flask("two")]
    for app in apps:
        limits.init_app(app)
    assert [ask(app).status_code for app in (*apps, *apps)] == [404, 404, 429, 429]


def test_one_before_an_application_counts_once_and_two_count_both(
    app: flask.Flask, clock: ManualClock
) -> None:
    first, second = RateLimit(of(clock, "9/minute"), app), RateLimit(of(clock), app)
    for limits in (first, second, first):
        limits.init_app(app)
    assert app.extensions["tidegate"] == [first, second]
    answers = [ask(app) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert first._gate is not None
    assert ask(app).headers["X-RateLimit-Limit"] == "2"


def test_a_413_of_a_route_itself(app: flask.Flask, clock: ManualClock) -> None:
    limiter = of(clock)
    RateLimit(limiter, app, max_body=10)
    app.config["MAX_CONTENT_LENGTH"] = 5

    @app.post("/")
    def upload() -> str:
        return str(len(flask.request.get_data()))

    @app.post("/aborts")
    def aborts() -> str:
        flask.abort(413)

    theirs = [ask(app, path, "POST", data=b"1234567") for path in ("/", "/aborts")]
    assert [answer.status_code for answer in theirs] == [413, 413]
    assert all("exceeds the capacity limit" in answer.text for answer in theirs)
    assert [answer.headers["X-RateLimit-Remaining"] for answer in theirs] == ["1", "0"]
    assert limiter.peek("127.0.0.1").remaining == 0


def test_a_body_cut_off_costs_nothing_anywhere(app: flask.Flask, clock: ManualClock) -> None:
    outer, inner = of(clock), of(clock)
    limits = RateLimit(outer, app)
    seen = []

    @app.errorhandler(RequestEntityTooLarge)
    def own(error: RequestEntityTooLarge) -> Any:
        seen.append(error)
        return "own", 413

    @app.post("/")
    @limits.limit(inner, max_body=10)
    def upload() -> str:
        return str(len(flask.request.get_data()))

    within = ask(app, "/", "POST", environ_overrides=chunked(b"1234567890"))
    assert (within.text, within.headers["X-RateLimit-Remaining"]) == ("10", "1")
    refused = ask(app, "/", "POST", environ_overrides=chunked(b"12345678901"))
    assert (refused.status_code, len(seen)) == (413, 1)
    assert refused.json == {"message": "Request body too large. The limit is 10 bytes.", "status": "error"}
    assert "X-RateLimit-Limit" not in refused.headers
    assert outer.peek("127.0.0.1").remaining == inner.peek("127.0.0.1").remaining == 1


@pytest.mark.parametrize("length", ["3", "three"])
def test_a_length_that_is_none_does_not_lift_the_bound(
    app: flask.Flask, clock: ManualClock, length: str
) -> None:
    """Beside Transfer-Encoding none is one. Flask's own server gives both."""
    RateLimit(of(clock), app, max_body=10)

    @app.post("/")
    def upload() -> str:
        return str(len(flask.request.stream.read()))

    def status(body: bytes) -> int:
        environ = chunked(body, CONTENT_LENGTH=length, HTTP_TRANSFER_ENCODING="chunked")
        return ask(app, "/", "POST", environ_overrides=environ).status_code

    assert [status(b"12345678901"), status(b"1234567890")] == [413, 200]


def test_the_middleware_around_the_extension(app: flask.Flask, clock: ManualClock) -> None:
    RateLimit(of(clock), app, expose_headers=True)
    app.wsgi_app = RateLimitMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, of(clock, "9/minute"), expose_headers=True
    )
    answer = ask(app)
    assert answer.headers.getlist("X-RateLimit-Limit") == ["2"]
    assert len(answer.headers.getlist("Access-Control-Expose-Headers")) == 1


def test_requests_in_one_application_context(app: flask.Flask, clock: ManualClock) -> None:
    """As tests have it that push one around their client: nothing is left for the next request."""
    limits = RateLimit(of(clock, "9/minute"), app, max_body=10, exempt=["/free"])

    @app.get("/free")
    def free() -> str:
        return "free"

    @app.get("/limited")
    @limits.limit(of(clock))
    def limited() -> str:
        return "limited"

    @app.post("/")
    def upload() -> str:
        return str(len(flask.request.get_data()))

    with app.app_context():
        answers = [
            ask(app, "/limited"),
            ask(app, "/free"),
            ask(app, "/", "POST", environ_overrides=chunked(b"12345678901")),
            ask(app, "/free"),
            ask(app, "/", "POST", environ_overrides=chunked(b"1234567890")),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 413, 200, 200]
    assert [answer.headers.get("X-RateLimit-Remaining") for answer in answers] == ["1", None, None, None, "7"]


def test_faults_say_their_headers_too(app: flask.Flask, clock: ManualClock) -> None:
    RateLimit(of(clock), app)

    @app.get("/")
    def fails() -> str:
        raise RuntimeError

    answers = [ask(app) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 500, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]

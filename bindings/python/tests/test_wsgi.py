"""The WSGI middleware to the letter of the specification."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from tidegate import Limiter, ManualClock
from tidegate.wsgi import BoundedBody, RateLimitMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXT = [("Content-Type", "text/plain")]


def ask(app: Any, body: bytes = b"", **environ: str) -> tuple[str, dict[str, str], bytes]:
    """What a server that goes by the book would send."""
    sent: list[Any] = []
    parts: list[bytes] = []

    def start_response(*said: Any) -> Callable[[bytes], None]:
        assert not parts or len(said) == 3
        sent[:] = said
        return parts.append

    request: dict[str, Any] = {"REMOTE_ADDR": "192.0.2.1", "QUERY_STRING": "", **environ}
    request["wsgi.input"] = io.BytesIO(body)
    setup_testing_defaults(request)
    response = validator(app)(request, start_response)
    with contextlib.closing(response):
        parts.extend(response)
    status, headers, *_ = sent
    return status, dict(headers), b"".join(parts)


@pytest.fixture(params=[None, 10], ids=["unbounded", "bounded"])
def around(request: pytest.FixtureRequest, clock: ManualClock) -> Callable[[Any], Any]:
    limiter = Limiter("2/minute", clock=clock)
    return lambda app: RateLimitMiddleware(validator(app), limiter, max_body=request.param)


def test_responses_in_parts_and_closed(around: Callable[[Any], Any]) -> None:
    closed = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        try:
            start_response("200 OK", TEXT)
            yield b"one "
            yield b"two"
        finally:
            closed.append(True)

    status, headers, body = ask(around(app))
    assert (status, headers["X-RateLimit-Remaining"], body, closed) == ("200 OK", "1", b"one two", [True])


def test_a_response_that_is_written(around: Callable[[Any], Any]) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        write = start_response("200 OK", TEXT)
        write(b"one ")
        return [b"two"]

    status, headers, body = ask(around(app))
    assert (status, headers["X-RateLimit-Remaining"], body) == ("200 OK", "1", b"one two")


def test_an_empty_response(around: Callable[[Any], Any]) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    assert ask(around(app))[0] == "204 No Content"


def test_a_status_that_an_error_replaces(around: Callable[[Any], Any]) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", TEXT)
        try:
            raise RuntimeError
        except RuntimeError:
            start_response("500 Internal Server Error", TEXT, sys.exc_info())
        return [b"sorry"]

    status, headers, body = ask(around(app))
    assert (status, headers["X-RateLimit-Remaining"], body) == ("500 Internal Server Error", "1", b"sorry")


def test_errors_are_the_application_s(around: Callable[[Any], Any]) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        raise RuntimeError("its own")

    with pytest.raises(RuntimeError, match="its own"):
        ask(around(app))


def test_start_response_twice_is_an_error(clock: ManualClock) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", TEXT)
        start_response("200 OK", TEXT)
        return []

    with pytest.raises(AssertionError, match="exc_info"):
        ask(RateLimitMiddleware(app, Limiter("2/minute", clock=clock), max_body=10))


def test_a_response_that_has_begun_is_not_replaced(clock: ManualClock) -> None:
    limiter = Limiter("2/minute", clock=clock)

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", TEXT)
        yield b"begun"
        environ["wsgi.input"].read(100)

    with pytest.raises(Exception, match=r"^$") as raised:
        ask(RateLimitMiddleware(app, limiter, max_body=10), b"12345678901")
    assert type(raised.value).__name__ == "ContentTooLarge"
    assert limiter.peek("192.0.2.1").remaining == 1


def test_an_error_after_a_response_has_begun(clock: ManualClock) -> None:
    """The server is told: it alone knows what has been sent."""
    told = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", TEXT)
        yield b"begun"
        start_response("500 Internal Server Error", TEXT, (RuntimeError, RuntimeError(), None))

    around = RateLimitMiddleware(app, Limiter("2/minute", clock=clock), max_body=10)
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.1", "wsgi.input": io.BytesIO()}
    assert [*around(environ, lambda *said: told.append(len(said)))] == [b"begun"]
    assert told == [2, 3]


def test_what_is_said_to_a_body_cut_off_is_not_sent(clock: ManualClock) -> None:
    limiter = Limiter("2/minute", clock=clock)

    def app(environ: Any, start_response: Any) -> list[bytes]:
        try:
            environ["wsgi.input"].read(100)
        except Exception:
            start_response("200 OK", TEXT)(b"never mind ")
        return [b"all is well"]

    status, headers, body = ask(RateLimitMiddleware(app, limiter, max_body=10), b"12345678901")
    assert (status[:4], headers.get("X-RateLimit-Limit")) == ("413 ", None)
    assert body.startswith(b'{"message":"Request body too large.')
    assert limiter.peek("192.0.2.1").remaining == 2


@pytest.mark.parametrize("length", ["", "3", "0", "three", "+3"])
def test_a_length_that_is_none_does_not_lift_the_bound(clock: ManualClock, length: str) -> None:
    """Beside Transfer-Encoding none is one. Some servers give both."""
    limiter = Limiter("2/minute", clock=clock)

    def app(environ: Any, start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(100)
        start_response("200 OK", TEXT)
        return [body]

    around = RateLimitMiddleware(app, limiter, max_body=10)
    chunked = {
        "CONTENT_LENGTH": length,
        **({"HTTP_TRANSFER_ENCODING": "chunked"} if length.isdigit() else {}),
    }
    environ = {"REQUEST_METHOD": "POST", "REMOTE_ADDR": "192.0.2.1", **chunked}
    told: list[str] = []
    for body in (b"12345678901", b"1234567890"):
        environ["wsgi.input"] = io.BytesIO(body)  # type: ignore[assignment]
        answer = b"".join(around({**environ}, lambda status, headers: told.append(status[:3])))
    assert (told, answer, limiter.peek("192.0.2.1").remaining) == (["413", "200"], b"1234567890", 1)


@pytest.mark.parametrize(
    "read",
    [
        lambda body: body.read(),
        lambda body: body.read(None),
        lambda body: b"".join(iter(lambda: body.read(3), b"")),
        lambda body: b"".join(iter(body.readline, b"")),
        lambda body: b"".join(iter(lambda: body.readline(2), b"")),
        lambda body: b"".join(body.readlines()),
        lambda body: b"".join(body),
    ],
)
def test_every_way_to_read_a_body(read: Callable[[BoundedBody], bytes]) -> None:
    for size, limit in ((10, 10), (11, 10), (0, 0), (1, 0), (9, 99)):
        content = (b"12\n456\n890" * 2)[:size]
        body = BoundedBody(io.BytesIO(content), limit, OverflowError)
        if size > limit:
            with pytest.raises(OverflowError):
                read(body)
        else:
            assert read(body) == content
        assert body.is_over == (size > limit)


def test_no_more_is_read_than_shows_that_there_is_too_much() -> None:
    content = io.BytesIO(b"x" * 1_000)
    with pytest.raises(OverflowError):
        BoundedBody(content, 10, OverflowError).read(500)
    assert content.tell() == 11

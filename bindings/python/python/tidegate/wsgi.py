"""A middleware for every WSGI application: Flask, Django, Pyramid, Bottle.

    app.wsgi_app = RateLimitMiddleware(app.wsgi_app, Limiter("100/minute", segment="/dev/shm/api"))

Responses are streamed as the application gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ._tidegate import EXPOSE, declares_length
from .http import ContentTooLarge, Gate, Refusal, WSGIRequest

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._limiter import Limiter
    from ._typing import Options
    from .http import Admission, Request

Start = Callable[..., Any]
App = Callable[[Any, Start], Iterable[bytes]]


class RateLimitMiddleware:
    """Puts a limiter before an application. `tidegate.http` says what the options mean.

    A body without a declared length, or in chunks, that grows past its limit is answered with 413, unless
    part of the response has been sent by then.
    """

    def __init__(
        self, app: App, limiter: Limiter | Callable[[Request], Limiter | None], **options: Unpack[Options]
    ) -> None:
        self.app = app
        self.gate = Gate(limiter, **options)

    def __call__(self, environ: Any, start_response: Start) -> Iterable[bytes]:
        request = WSGIRequest(environ)
        judged = self.gate.judge(request)
        if isinstance(judged, Refusal):
            return refuse(judged, environ, start_response)
        start = decorated(start_response, judged.headers())
        if judged.max_body is not None and not declares_length(request):
            return _Exchange(judged, environ, start_response, start).run(self.app)
        return self.app(environ, start)


def decorated(start_response: Start, headers: dict[str, str]) -> Start:
    """`start_response` that adds headers where the response has none of these names."""

    def start(status: str, there: list[tuple[str, str]], *exc_info: Any) -> Any:
        # What the response exposes itself stays exposed, beside ours.
        names = {name.lower() for name, _ in there if name.lower() != EXPOSE.lower()}
        more = [pair for pair in headers.items() if pair[0].lower() not in names and pair not in there]
        return start_response(status, [*there, *more], *exc_info)

    return start if headers else start_response


def refuse(refusal: Refusal, environ: Any, start_response: Start) -> Iterable[bytes]:
    """Gives the answer; to HEAD without its body."""
    start_response(refusal.reason, list(refusal.headers.items()))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [refusal.body]


class _Exchange:
    """An exchange whose request body may be of any length, and is cut off at its limit.

    The response begins with its first part, not when the application says its status: until then
    it can become a 413.
    """

    def __init__(self, admission: Admission, environ: Any, start_response: Start, start: Start) -> None:
        self._admission = admission
        self._environ = environ
        self._start_response = start_response
        self._start = start
        self._body = environ["wsgi.input"] = BoundedBody(environ["wsgi.input"], admission.max_body or 0)
        self._said: tuple[Any, ...] | None = None
        self._write: Any = None
        self._has_begun = False

    def run(self, app: App) -> Iterator[bytes]:
        response: Iterable[bytes] = ()
        try:
            response = app(self._environ, self._starting)
            for part in response:
                if self._is_cut():
                    break
                self._begin()
                yield part
        except Exception:
            if not self._is_cut():
                raise
        finally:
            close = getattr(response, "close", None)
            if close is not None:
                close()
        if self._is_cut():
            yield from refuse(self._admission.too_large(), self._environ, self._start_response)
        else:
            self._begin()

    def _is_cut(self) -> bool:
        """Whether what the application says is not meant for the client: its body was cut off."""
        return self._body.is_over and not self._has_begun

    def _starting(self, *said: Any) -> Any:
        if self._said is not None and len(said) < 3:
            raise AssertionError("start_response was called before; a second call gives exc_info")
        self._said = said
        if self._has_begun:
            self._write = self._start(*said)
        return self._writing

    def _begin(self) -> None:
        if self._said is not None and not self._has_begun:
            self._has_begun = True
            self._write = self._start(*self._said)

    def _writing(self, data: bytes) -> None:
        if not self._is_cut():
            self._begin()
            self._write(data)


class BoundedBody:
    """The body of a request, cut off at its limit: to read beyond it raises ``error``."""

    def __init__(self, body: Any, limit: int, error: type[Exception] = ContentTooLarge) -> None:
        self._body = body
        self._left = limit
        self._error = error
        #: Whether more has come than is allowed.
        self.is_over = False

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            self.is_over = True
            raise self._error
        return data

    def _within(self, size: int | None) -> int:
        """As much as is wanted, but no more than shows that there is too much."""
        most = self._left + 1
        return most if size is None or size < 0 else min(size, most)

    def read(self, size: int | None = -1) -> bytes:
        """At most so many bytes; all that there are by default."""
        if size is not None and size >= 0:
            return self._counted(self._body.read(self._within(size)))
        # Servers may give less than was asked for.
        parts = []
        while part := self._counted(self._body.read(self._within(-1))):
            parts.append(part)
        return b"".join(parts)

    def readline(self, size: int | None = -1) -> bytes:
        """A line with its end, or at most so many bytes of it."""
        return self._counted(self._body.readline(self._within(size)))

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """All lines, whatever the hint."""
        return list(self)

    def __iter__(self) -> Any:
        return iter(self.readline, b"")

"""A middleware for every WSGI application: Flask, Django, Pyramid, Bottle.

    app.wsgi_app = RateLimitMiddleware(app.wsgi_app, Limiter("100/minute", segment="/dev/shm/api"))

Responses are streamed as the application gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .http import ContentTooLarge, Gate, Refusal, WSGIRequest

if TYPE_CHECKING:
    from ._limiter import Limiter
    from .http import Admission, Request

Start = Callable[..., Any]
App = Callable[[Any, Start], Iterable[bytes]]


class RateLimitMiddleware:
    """Puts a limiter before an application. `tidegate.http` says what the options mean.

    A body without a declared length that grows past its limit is answered with 413 where the
    application reads it before it returns.
    """

    def __init__(
        self, app: App, limiter: Limiter | Callable[[Request], Limiter | None], **options: Any
    ) -> None:
        self.app = app
        self.gate = Gate(limiter, **options)

    def __call__(self, environ: Any, start_response: Start) -> Iterable[bytes]:
        judged = self.gate.judge(WSGIRequest(environ))
        if isinstance(judged, Refusal):
            return refuse(judged, environ, start_response)
        start = decorated(start_response, judged.headers())
        if judged.max_body is not None and not environ.get("CONTENT_LENGTH"):
            return self._bounded(judged, environ, start)
        return self.app(environ, start)

    def _bounded(self, admission: Admission, environ: Any, start_response: Start) -> Iterable[bytes]:
        body = environ["wsgi.input"] = _Bounded(environ["wsgi.input"], admission.max_body or 0)

        def start(*arguments: Any) -> Any:
            # What the application says to a body that was cut off is not meant for the client.
            return start_response(*arguments) if not body.is_over else lambda _: None

        try:
            response = self.app(environ, start)
        except Exception:
            if not body.is_over:
                raise
            response = ()
        if not body.is_over:
            return response
        close = getattr(response, "close", None)
        if close is not None:
            close()
        return refuse(admission.too_large(), environ, start_response)


def decorated(start_response: Start, headers: dict[str, str]) -> Start:
    """`start_response` that adds headers where the response has none of these names."""

    def start(status: str, there: list[tuple[str, str]], *exc_info: Any) -> Any:
        names = {name.lower() for name, _ in there} - {"access-control-expose-headers"}
        more = [(name, value) for name, value in headers.items() if name.lower() not in names]
        return start_response(status, [*there, *more], *exc_info)

    return start if headers else start_response


def refuse(refusal: Refusal, environ: Any, start_response: Start) -> Iterable[bytes]:
    """Gives the answer; to HEAD without its body."""
    start_response(refusal.reason, list(refusal.headers.items()))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [refusal.body]


class _Bounded:
    """The body of a request, cut off at its limit."""

    def __init__(self, body: Any, limit: int) -> None:
        self._body = body
        self._left = limit
        self.is_over = False

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            self.is_over = True
            raise ContentTooLarge
        return data

    def _within(self, size: int | None) -> int:
        """As much as is wanted, but no more than shows that there is too much."""
        most = self._left + 1
        return most if size is None or size < 0 else min(size, most)

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size >= 0:
            return self._counted(self._body.read(self._within(size)))
        # Servers may give less than was asked for.
        parts = []
        while part := self._counted(self._body.read(self._within(-1))):
            parts.append(part)
        return b"".join(parts)

    def readline(self, size: int | None = -1) -> bytes:
        return self._counted(self._body.readline(self._within(size)))

    def readlines(self, hint: int | None = None) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Any:
        return iter(self.readline, b"")

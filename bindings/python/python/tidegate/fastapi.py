"""Limits of single routes, as FastAPI dependencies.

    app = FastAPI()
    install(app)

    @app.get("/reports", dependencies=[Depends(RateLimit(Limiter("10/minute")))])
    async def reports(): ...

    app.include_router(router, dependencies=[Depends(RateLimit(Limiter("100/minute")))])

For a limit of the whole application there is `tidegate.asgi.RateLimitMiddleware`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from .asgi import decorated
from .http import ASGIRequest, Gate, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    import fastapi

    from ._limiter import Limiter
    from .asgi import App, Receive, Send
    from .http import Request

_HEADERS = "tidegate.headers"


class TooManyRequests(HTTPException):
    """Raised by `RateLimit` in place of calling the route: 429, 413 and others."""

    def __init__(self, refusal: Refusal) -> None:
        headers = {name: value for name, value in refusal.headers.items() if not name.startswith("Content-")}
        super().__init__(refusal.status, headers=headers)
        self.refusal = refusal


class RateLimit:
    """A dependency that counts the requests of its routes. `tidegate.http` says what the options mean.

    After `install`, denials have the package's bodies and every response its headers. Without it
    denials have FastAPI's own body, and a route that returns a `Response` of its own lacks the headers.
    """

    def __init__(self, limiter: Limiter | Callable[[Request], Limiter | None], **options: Any) -> None:
        self.gate = Gate(limiter, **options)

    async def __call__(self, connection: HTTPConnection, response: Response) -> None:
        scope = connection.scope
        if scope["type"] != "http":
            return
        judged = self.gate.judge(ASGIRequest(scope))
        if isinstance(judged, Refusal):
            raise TooManyRequests(judged)
        if _HEADERS in scope:
            scope[_HEADERS].extend(judged.raw_headers())
        else:
            for name, value in judged.headers().items():
                response.headers.setdefault(name, value)


def install(app: fastapi.FastAPI) -> None:
    """Gives denials by `RateLimit` the package's bodies, and every response its headers."""
    app.add_exception_handler(TooManyRequests, _answer)
    app.add_middleware(_Headers)


def _answer(request: Any, error: Exception) -> Response:
    assert isinstance(error, TooManyRequests)  # noqa: S101, what it is registered for
    refusal = error.refusal
    return Response(refusal.body, refusal.status, headers=refusal.headers)


class _Headers:
    """Adds the headers that dependencies leave in the scope to whatever response there is."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = decorated(send, scope.setdefault(_HEADERS, []))
        await self.app(scope, receive, send)

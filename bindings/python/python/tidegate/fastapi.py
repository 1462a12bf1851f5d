"""Limits of single routes, as FastAPI dependencies.

    app = FastAPI()
    install(app)

    @app.get("/reports", dependencies=[Depends(RateLimit(Limiter("10/minute")))])
    async def reports(): ...

    app.include_router(router, dependencies=[Depends(RateLimit(Limiter("100/minute")))])

For a limit of the whole application there is `tidegate.asgi.RateLimitMiddleware`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from .asgi import Bounded
from .http import Gate, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    import fastapi
    from typing_extensions import Unpack

    from ._limiter import Limiter
    from ._typing import Options
    from .asgi import App, Receive, Send
    from .http import Request

_EXCHANGE = "tidegate.exchange"


class TooManyRequests(HTTPException):
    """Raised by `RateLimit` in place of calling the route: 429, 413 and others."""

    def __init__(self, refusal: Refusal) -> None:
        headers = {name: value for name, value in refusal.headers.items() if not name.startswith("Content-")}
        said = json.loads(refusal.body)
        super().__init__(refusal.status, said.get("message") or said.get("title"), headers)
        #: The answer that `install` gives.
        self.refusal = refusal


class RateLimit:
    """A dependency that counts the requests of its routes. `tidegate.http` says what the options mean.

    Use it after `install`, which gives denials the package's bodies, every response its headers, and
    bodies without a declared length their limit. Without it denials have the form of the application's
    other errors (``{"detail": "Rate limit exceeded. …"}``), and a route that returns a ``Response`` of its
    own lacks the headers. What FastAPI parses for a route it has read before a dependency is asked.

    One object that stands before a router and before its route counts once.
    """

    def __init__(
        self, limiter: Limiter | Callable[[Request], Limiter | None], **options: Unpack[Options]
    ) -> None:
        self.gate = Gate(limiter, **options)

    async def __call__(self, connection: HTTPConnection, response: Response) -> None:
        scope = connection.scope
        if scope["type"] != "http":
            return
        judged = self.gate.judge(scope)
        if isinstance(judged, Refusal):
            raise TooManyRequests(judged)
        exchange = scope.get(_EXCHANGE)
        if exchange is None:
            response.headers.update(judged.headers())
        else:
            # Those of the last that counts, which is the nearest to the route.
            exchange.headers[:] = judged.raw_headers() or exchange.headers
            exchange.admit(judged)


def install(app: fastapi.FastAPI) -> None:
    """Gives denials by `RateLimit` the package's bodies, and every response its headers."""
    app.add_exception_handler(TooManyRequests, _answer)
    app.add_middleware(_Exchanges)


def _answer(request: Any, error: Exception) -> Response:
    assert isinstance(error, TooManyRequests)  # noqa: S101, what it is registered for
    refusal = error.refusal
    return Response(refusal.body, refusal.status, headers=refusal.headers)


class _Exchanges:
    """Does for each response what dependencies can't."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        exchange = scope[_EXCHANGE] = Bounded(self.app, [])
        return await exchange.run(scope, receive, send)

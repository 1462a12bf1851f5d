"""A middleware for every ASGI application: Starlette, FastAPI, Quart, Django under ASGI.

    app.add_middleware(RateLimitMiddleware, limiter=Limiter("100/minute", segment="/dev/shm/api"))

Websockets and lifespan pass untouched; responses are streamed as the application sends them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .http import ASGIRequest, ContentTooLarge, Gate, Refusal

if TYPE_CHECKING:
    from ._limiter import Limiter
    from .http import Admission, Request

Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]


class RateLimitMiddleware:
    """Puts a limiter before an application. `tidegate.http` says what the options mean."""

    def __init__(
        self, app: App, limiter: Limiter | Callable[[Request], Limiter | None], **options: Any
    ) -> None:
        self.app = app
        self.gate = Gate(limiter, **options)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = ASGIRequest(scope)
        judged = self.gate.judge(request)
        if isinstance(judged, Refusal):
            return await refuse(judged, scope, send)
        headers = judged.raw_headers()
        if headers:
            send = decorated(send, headers)
        if judged.max_body is not None and request.header("content-length") is None:
            return await _Bounded(self.app, judged).run(scope, receive, send)
        return await self.app(scope, receive, send)


def decorated(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    """`send` that adds headers where the response has none of these names."""

    def decorating(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            there = list(message.get("headers", ()))
            names = dict(there)
            names.pop(b"access-control-expose-headers", None)
            for pair in headers:
                if pair[0] not in names:
                    there.append(pair)  # noqa: PERF401, a comprehension is a call of its own
            message = {**message, "headers": there}
        return send(message)

    return decorating


async def refuse(refusal: Refusal, scope: Any, send: Send) -> None:
    """Sends the answer; to HEAD without its body."""
    await send({"type": "http.response.start", "status": refusal.status, "headers": refusal.raw_headers()})
    body = b"" if scope["method"] == "HEAD" else refusal.body
    await send({"type": "http.response.body", "body": body})


class _Bounded:
    """An exchange whose request body has no declared length, and is cut off at its limit."""

    def __init__(self, app: App, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._left = admission.max_body or 0
        self._is_over = False
        self._is_started = False

    async def run(self, scope: Any, receive: Receive, send: Send) -> None:
        async def bounded_receive() -> Message:
            message = await receive()
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self._is_over = True
                raise ContentTooLarge
            return message

        async def bounded_send(message: Message) -> None:
            # What the application says to a body that was cut off is not meant for the client.
            if not self._is_over or self._is_started:
                self._is_started = True
                await send(message)

        try:
            await self._app(scope, bounded_receive, bounded_send)
        except Exception:
            if not self._is_over or self._is_started:
                raise
        if self._is_over and not self._is_started:
            await refuse(self._admission.too_large(), scope, send)

"""A middleware for every ASGI application: Starlette, FastAPI, Quart, Django under ASGI.

    app.add_middleware(RateLimitMiddleware, limiter=Limiter("100/minute", segment="/dev/shm/api"))

Websockets and lifespan pass untouched; responses are streamed as the application sends them.

A browser shows a denial to scripts of other origins only with the headers of Starlette's
``CORSMiddleware``: add that one after this one, so that it is around it. If it is given
``expose_headers`` of its own, name ours there too: ``tidegate.exposed_headers().split(", ")``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ._tidegate import Decorated, declares_length
from .http import ContentTooLarge, Gate, Refusal

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._limiter import Limiter
    from ._typing import Options
    from .http import Admission, Request

Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]


class RateLimitMiddleware:
    """Puts a limiter before an application. `tidegate.http` says what the options mean."""

    def __init__(
        self, app: App, limiter: Limiter | Callable[[Request], Limiter | None], **options: Unpack[Options]
    ) -> None:
        self.app = app
        self.gate = Gate(limiter, **options)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        judged = self.gate.judge(scope)
        if isinstance(judged, Refusal):
            return await refuse(judged, scope, send)
        if judged.max_body is not None and not declares_length(scope):
            return await Bounded(self.app, judged.raw_headers(), judged).run(scope, receive, send)
        return await self.app(scope, receive, judged.decorated(send))


async def refuse(refusal: Refusal, scope: Any, send: Send) -> None:
    """Sends the answer; to HEAD without its body."""
    await send({"type": "http.response.start", "status": refusal.status, "headers": refusal.raw_headers()})
    body = b"" if scope["method"] == "HEAD" else refusal.body
    await send({"type": "http.response.body", "body": body})


class Bounded:
    """An exchange whose request body is cut off at the limit of whoever admits it."""

    def __init__(self, app: App, headers: list[tuple[bytes, bytes]], *admissions: Admission) -> None:
        self._app = app
        #: What the response shall say, if it is the application's.
        self.headers = headers
        self._admissions = [*admissions]
        self._read = 0
        #: Whose limit the body has outgrown.
        self._cut: Admission | None = None
        self._is_started = False

    def admit(self, admission: Admission) -> None:
        """One more that bounds it. Raises `ContentTooLarge` if more has come already."""
        self._admissions.append(admission)
        self._count(0)

    def _count(self, size: int) -> None:
        self._read += size
        for admission in self._admissions:
            if admission.max_body is not None and self._read > admission.max_body:
                self._cut = admission
                raise ContentTooLarge

    async def run(self, scope: Any, receive: Receive, send: Send) -> None:
        """Lets the application answer, or answers in its place when the body has been cut off."""
        answer = Decorated(send, self.headers)

        async def bounded_receive() -> Message:
            message = await receive()
            self._count(len(message.get("body", b"")))
            return message

        async def bounded_send(message: Message) -> None:
            # What the application says to a body that was cut off is not meant for the client.
            if self._cut is None or self._is_started:
                self._is_started = True
                await answer(message)

        try:
            await self._app(scope, bounded_receive, bounded_send)
        except Exception:
            if self._cut is None or self._is_started:
                raise
        if self._cut is not None and not self._is_started:
            for admission in self._admissions:
                admission.refund()
            await refuse(self._cut.too_large(), scope, send)

"""Starlette under the ASGI middleware."""

import os
from typing import Any

from cases import asgi_by_host, options, parts
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tidegate.asgi import RateLimitMiddleware


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(os.getpid()))


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(parts())


async def upload(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def own(request: Request) -> PlainTextResponse:
    return PlainTextResponse(
        "own", headers={"X-RateLimit-Limit": "own", "Access-Control-Expose-Headers": "X-Own"}
    )


async def fails(request: Request) -> PlainTextResponse:
    raise RuntimeError("the application's own fault")


async def refuses(request: Request) -> PlainTextResponse:
    return PlainTextResponse("own", 413)


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


ROUTES = [
    Route("/", hello, methods=["GET", "OPTIONS"]),
    Route("/free", hello),
    Route("/static/{file}", hello),
    Route("/stream", stream),
    Route("/upload", upload, methods=["POST"]),
    Route("/own", own),
    Route("/fails", fails),
    Route("/refuses", refuses),
    WebSocketRoute("/echo", echo),
]


def build(variant: str, case: str) -> Any:
    app = Starlette(routes=ROUTES)
    if variant == "around":
        return RateLimitMiddleware(app, **options(variant, case))
    app.add_middleware(RateLimitMiddleware, **options(variant, case))
    return app


app = asgi_by_host(build)

"""Starlette under the ASGI middleware."""

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tidegate import Limiter
from tidegate.asgi import RateLimitMiddleware
from tidegate.http import api_key, client_address, first_of


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(os.getpid()))


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(iter([b"one ", b"two"]))


async def upload(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


routes = [
    Route("/", hello),
    Route("/stream", stream),
    Route("/upload", upload, methods=["POST"]),
    WebSocketRoute("/echo", echo),
]
app = RateLimitMiddleware(
    Starlette(routes=routes),
    Limiter(os.environ.get("POLICY", "100/minute"), segment=os.environ["SEGMENT"]),
    key=first_of(api_key(), client_address("127.0.0.1")),
    exempt=["/ready"],
    max_body=10,
    expose_headers=True,
)

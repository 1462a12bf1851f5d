"""FastAPI, with dependencies of routes (installed or not) or with the middleware."""

import os
from typing import Any

from cases import asgi_by_host, options, parts
from fastapi import APIRouter, Depends, FastAPI, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse

from tidegate.asgi import RateLimitMiddleware
from tidegate.fastapi import RateLimit, install


async def hello() -> str:
    return str(os.getpid())


def stream() -> StreamingResponse:
    return StreamingResponse(parts())


async def upload(request: Request) -> str:
    return str(len(await request.body()))


def own(response: Response) -> str:
    response.headers["X-RateLimit-Limit"] = "own"
    response.headers["Access-Control-Expose-Headers"] = "X-Own"
    return "own"


def fails() -> str:
    raise RuntimeError("the application's own fault")


def refuses() -> Response:
    return PlainTextResponse("own", 413)


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


def build(variant: str, case: str) -> Any:
    app, router, deeper = FastAPI(), APIRouter(), APIRouter()
    chosen = options(variant, case)
    dependencies = []
    if variant == "middleware":
        app.add_middleware(RateLimitMiddleware, **chosen)
    else:
        dependencies = [Depends(RateLimit(**chosen))]
    if variant == "installed":
        install(app)
    text: dict[str, Any] = {"response_class": PlainTextResponse}
    # Through two routers, and before a route by itself.
    deeper.add_api_route("/", hello, methods=["GET", "HEAD", "OPTIONS"], **text)
    deeper.add_api_route("/free", hello, **text)
    deeper.add_api_route("/static/{file}", hello, **text)
    deeper.add_api_route("/stream", stream)
    deeper.add_api_route("/upload", upload, methods=["POST"], **text)
    deeper.add_api_route("/own", own, **text)
    deeper.add_api_websocket_route("/echo", echo)
    router.include_router(deeper)
    app.include_router(router, dependencies=dependencies)
    app.add_api_route("/fails", fails, dependencies=dependencies)
    app.add_api_route("/refuses", refuses, dependencies=dependencies)
    return app


app = asgi_by_host(build)

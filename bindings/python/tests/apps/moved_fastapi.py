"""slowapi, of which nothing but the storage has been changed."""

import os

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from starlette.middleware.base import RequestResponseEndpoint

import tidegate.limits_storage  # noqa: F401

limiter = Limiter(
    lambda request: request.headers.get("X-API-Key", "nobody"),
    headers_enabled=True,
    strategy=os.environ["STRATEGY"],
    storage_uri=os.environ["STORAGE"],
)
app = FastAPI(default_response_class=PlainTextResponse)
app.state.limiter = limiter
app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)


@app.middleware("http")
async def name_worker(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    response.headers["X-Worker"] = str(os.getpid())
    return response


@app.get("/")
@limiter.limit("100/hour")
async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


@app.get("/heavy")
@limiter.limit("10/hour", cost=4)
def heavy(request: Request) -> PlainTextResponse:
    return PlainTextResponse("heavy")


@app.get("/both")
@limiter.limit("2/hour; 5/day")
async def both(request: Request) -> PlainTextResponse:
    return PlainTextResponse("both")


@app.get("/ready")
async def ready() -> str:
    return "ready"

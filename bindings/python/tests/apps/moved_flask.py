"""Flask-Limiter, of which nothing but the storage has been changed."""

import os

from flask import Flask, Response, request
from flask_limiter import Limiter

import tidegate.limits_storage  # noqa: F401

app = Flask(__name__)
limiter = Limiter(
    lambda: request.headers.get("X-API-Key", "nobody"),
    app=app,
    default_limits=["100/hour"],
    headers_enabled=True,
    strategy=os.environ["STRATEGY"],
    storage_uri=os.environ["STORAGE"],
)


@app.after_request
def name_worker(response: Response) -> Response:
    response.headers["X-Worker"] = str(os.getpid())
    return response


@app.get("/")
def hello() -> str:
    return "hello"


@app.get("/heavy")
@limiter.limit("10/hour", cost=4)
def heavy() -> str:
    return "heavy"


@app.get("/both")
@limiter.limit("2/hour; 5/day")
def both() -> str:
    return "both"


@app.get("/ready")
@limiter.exempt
def ready() -> str:
    return "ready"

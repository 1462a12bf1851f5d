"""Flask, with the extension before the whole application or before each route."""

import os
from typing import Any

import flask
from cases import options, parts, wsgi_by_host

from tidegate.flask import RateLimit

OWN = {"X-RateLimit-Limit": "own", "Access-Control-Expose-Headers": "X-Own"}


def hello(file: str = "") -> str:
    return str(os.getpid())


def stream() -> flask.Response:
    return flask.Response(parts())


def upload() -> str:
    return str(len(flask.request.get_data()))


async def own() -> Any:
    return "own", OWN


def fails() -> str:
    raise RuntimeError("the application's own fault")


def refuses() -> Any:
    return "own", 413


ROUTES: list[tuple[str, Any, list[str]]] = [
    ("/", hello, ["GET", "OPTIONS"]),
    ("/free", hello, ["GET"]),
    ("/static/<file>", hello, ["GET"]),
    ("/stream", stream, ["GET"]),
    ("/upload", upload, ["POST"]),
    ("/own", own, ["GET"]),
    ("/fails", fails, ["GET"]),
    ("/refuses", refuses, ["GET"]),
]


def build(variant: str, case: str) -> flask.Flask:
    app = flask.Flask(__name__, static_folder=None)
    chosen = options(variant, case)
    limiter = chosen.pop("limiter")
    limits = RateLimit(limiter if variant == "extension" else None, **chosen)
    limits.init_app(app)
    for rule, view, methods in ROUTES:
        if variant == "route":
            view = limits.limit(limiter)(view)
        app.add_url_rule(rule, rule, view, methods=methods, provide_automatic_options=False)
    return app


app = wsgi_by_host(build)

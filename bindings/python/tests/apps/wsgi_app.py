"""A plain WSGI application under the middleware."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

from cases import options, parts, wsgi_by_host

from tidegate.wsgi import RateLimitMiddleware

OWN = [("X-RateLimit-Limit", "own"), ("Access-Control-Expose-Headers", "X-Own")]


def lazily(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Reads when it is read, and has begun its response before."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield str(len(environ["wsgi.input"].read())).encode()


def routes(environ: Any, start_response: Any) -> Iterable[bytes]:
    path, status, more = environ["PATH_INFO"], "200 OK", []
    body = [str(os.getpid()).encode()]
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return parts()
    if path == "/upload":
        body = [str(len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or -1)))).encode()]
    elif path == "/upload-lazily":
        return lazily(environ, start_response)
    elif path == "/own":
        body, more = [b"own"], OWN
    elif path == "/fails":
        raise RuntimeError("the application's own fault")
    elif path == "/refuses":
        status, body = "413 Content Too Large", [b"own"]
    start_response(status, [("Content-Type", "text/plain"), *more])
    return iter(body)


def build(variant: str, case: str) -> Any:
    return RateLimitMiddleware(routes, **options(variant, case))


app = wsgi_by_host(build)

"""Django, with the middleware or with the decorator; `wsgi` has plain views, `asgi` async ones."""

import functools
import os
from typing import Any

import asgiref.sync
import django
from cases import asgi_by_host, options, parts, wsgi_by_host
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils.decorators import sync_and_async_middleware

from tidegate.django import rate_limit

OWN = {"X-RateLimit-Limit": "own", "Access-Control-Expose-Headers": "X-Own"}


def hello(request: HttpRequest, file: str = "") -> HttpResponse:
    return HttpResponse(str(os.getpid()))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(parts())


async def parts_async() -> Any:
    for part in parts():
        yield part


async def stream_async(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(parts_async())


def upload(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.read())))


def own(request: HttpRequest) -> HttpResponse:
    return HttpResponse("own", headers=OWN)


def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the application's own fault")


def refuses(request: HttpRequest) -> HttpResponse:
    return HttpResponse("own", status=413)


def asynchronous(view: Any) -> Any:
    @functools.wraps(view)
    async def called(request: HttpRequest, **words: str) -> Any:
        return view(request, **words)

    return called


class Urls:
    """What Django takes for a module of URLs."""

    def __init__(self, decorate: Any, is_async: bool) -> None:
        views = {
            "": hello,
            "free": hello,
            "static/<file>": hello,
            "stream": stream,
            "upload": upload,
            "own": own,
            "fails": fails,
            "refuses": refuses,
        }
        if is_async:
            # One stays as it is: both kinds live side by side.
            views = {rule: view if rule == "own" else asynchronous(view) for rule, view in views.items()} | {
                "stream": stream_async
            }
        self.urlpatterns = [path(rule, decorate(view)) for rule, view in views.items()]


settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="of tests", MIDDLEWARE=[], LOGGING_CONFIG=None)
django.setup()


def build(handler: Any, variant: str, case: str) -> Any:
    chosen = options(variant, case)
    if variant == "middleware":
        settings.TIDEGATE = chosen
        settings.MIDDLEWARE = ["tidegate.django.RateLimitMiddleware", "django_app.of_urls"]
        decorate = lambda view: view  # noqa: E731
    else:
        settings.MIDDLEWARE = ["django_app.of_urls"]
        decorate = rate_limit(**chosen)
    settings.ROOT_URLCONF = Urls(decorate, handler is ASGIHandler)
    return handler()


@sync_and_async_middleware
def of_urls(get_response: Any) -> Any:
    """Keeps each of the applications at its own URLs."""
    urls = settings.ROOT_URLCONF

    async def asynchronous(request: HttpRequest) -> Any:
        request.urlconf = urls  # type: ignore[attr-defined]
        return await get_response(request)

    def synchronous(request: HttpRequest) -> Any:
        request.urlconf = urls  # type: ignore[attr-defined]
        return get_response(request)

    return asynchronous if asgiref.sync.iscoroutinefunction(get_response) else synchronous


wsgi = wsgi_by_host(functools.partial(build, WSGIHandler))
asgi = asgi_by_host(functools.partial(build, ASGIHandler))

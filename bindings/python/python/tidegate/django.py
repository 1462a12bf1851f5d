"""A Django middleware and a decorator for views.

    MIDDLEWARE = ["tidegate.django.RateLimitMiddleware", …]
    TIDEGATE = {"limiter": Limiter("100/minute", segment="/dev/shm/api"), "key": api_key()}

    @rate_limit(Limiter("10/minute"))
    def report(request): ...

Both work for plain and ``async`` views, under WSGI and ASGI.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.module_loading import import_string

from .http import Admission, Gate, Refusal, WSGIRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._limiter import Limiter
    from .http import Request

F = TypeVar("F", bound="Callable[..., Any]")


@sync_and_async_middleware  # type: ignore[untyped-decorator]
def RateLimitMiddleware(get_response: Any) -> Any:  # noqa: N802, Django's are written as classes
    """Puts a limiter before all views.

    ``settings.TIDEGATE`` is a dict of the options that `tidegate.http` tells, with ``"limiter"`` among
    them; texts for ``limiter``, ``key`` and ``cost`` are imported by that path.
    """
    gate = _configured()

    async def asynchronous(request: HttpRequest) -> Any:
        judged = _judge(gate, request)
        return judged if isinstance(judged, HttpResponse) else _decorate(await get_response(request), judged)

    def synchronous(request: HttpRequest) -> Any:
        judged = _judge(gate, request)
        return judged if isinstance(judged, HttpResponse) else _decorate(get_response(request), judged)

    return asynchronous if iscoroutinefunction(get_response) else synchronous


def rate_limit(limiter: Limiter | Callable[[Request], Limiter | None], **options: Any) -> Callable[[F], F]:
    """A limit of one view, beside the middleware's; for a class, by ``method_decorator``."""
    gate = Gate(limiter, **options)

    def decorate(view: F) -> F:
        @functools.wraps(view)
        async def asynchronous(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            judged = _judge(gate, request)
            if isinstance(judged, HttpResponse):
                return judged
            return _decorate(await view(request, *args, **kwargs), judged)

        @functools.wraps(view)
        def synchronous(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            judged = _judge(gate, request)
            if isinstance(judged, HttpResponse):
                return judged
            return _decorate(view(request, *args, **kwargs), judged)

        return cast("F", asynchronous if iscoroutinefunction(view) else synchronous)

    return decorate


def _configured() -> Gate:
    options = dict(getattr(settings, "TIDEGATE", {}))
    if "limiter" not in options:
        raise ImproperlyConfigured('settings.TIDEGATE wants a limiter: {"limiter": Limiter("100/minute")}')
    for name in ("limiter", "key", "cost"):
        if isinstance(options.get(name), str):
            options[name] = import_string(options[name])
    return Gate(options.pop("limiter"), **options)


def _judge(gate: Gate, request: HttpRequest) -> Admission | HttpResponse:
    # META has the shape of a WSGI environ under ASGI too.
    judged = gate.judge(WSGIRequest(request.META))
    if isinstance(judged, Refusal):
        return HttpResponse(judged.body, status=judged.status, headers=judged.headers)
    return judged


def _decorate(response: Any, admission: Admission) -> Any:
    # That of the view itself comes first, and stays.
    for name, value in admission.headers().items():
        response.headers.setdefault(name, value)
    return response

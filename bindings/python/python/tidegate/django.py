"""A Django middleware and a decorator for views.

    MIDDLEWARE = ["tidegate.django.RateLimitMiddleware", …]
    TIDEGATE = {"limiter": Limiter("100/minute", segment="/dev/shm/api"), "key": api_key()}

    @rate_limit(Limiter("10/minute"))
    def report(request): ...

Both work for plain and ``async`` views, under WSGI and ASGI.
"""

from __future__ import annotations

import functools
import inspect
import io
from typing import TYPE_CHECKING, Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.module_loading import import_string

from .http import Admission, Gate, Refusal, WSGIRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from ._limiter import Limiter
    from ._typing import Options
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


def rate_limit(
    limiter: Limiter | Callable[[Request], Limiter | None], **options: Unpack[Options]
) -> Callable[[F], F]:
    """A limit of one view, beside the middleware's.

    For a class ``method_decorator(rate_limit(…), name="dispatch")``; its handlers may be ``async``.
    """
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

        return cast("F", asynchronous if _is_async(view) else synchronous)

    return decorate


def _is_async(view: Any) -> bool:
    """Whether it has to be awaited: ``dispatch`` is a plain function that gives what its handlers do."""
    if getattr(view, "__name__", None) != "dispatch":
        return iscoroutinefunction(view)
    # Below other decorators there is what `method_decorator` gives them, which knows the instance.
    bound = inspect.unwrap(view, stop=lambda within: isinstance(within, functools.partial))
    instance = getattr(getattr(bound, "func", bound), "__self__", None)
    return iscoroutinefunction(view) or getattr(instance, "view_is_async", False)


def _configured() -> Gate:
    options = dict(getattr(settings, "TIDEGATE", {}))
    if "limiter" not in options:
        raise ImproperlyConfigured('settings.TIDEGATE wants a limiter: {"limiter": Limiter("100/minute")}')
    for name in ("limiter", "key", "cost"):
        if isinstance(options.get(name), str):
            options[name] = import_string(options[name])
    return Gate(options.pop("limiter"), **options)


class DjangoRequest(WSGIRequest):
    """A request as Django has it, under WSGI and ASGI; ``raw`` is the ``HttpRequest``."""

    __slots__ = ()

    def __init__(self, request: HttpRequest) -> None:
        # META has the shape of a WSGI environ under ASGI too.
        super().__init__(request.META, request)

    @property
    def path(self) -> str:
        return self.raw.path  # type: ignore[no-any-return]

    def header(self, name: str) -> str | None:
        length = self._body_length() if name == "content-length" else None
        return length or super().header(name)

    def _body_length(self) -> str | None:
        """Under ASGI Django has the whole body before anybody is asked, whatever length was declared."""
        if not isinstance(self.raw, ASGIRequest):
            return None
        body = self.raw._stream
        try:
            start = body.tell()
        except io.UnsupportedOperation:  # that of Django's test client
            return None
        body.seek(0, io.SEEK_END)
        length = body.tell() - start
        body.seek(start)
        return str(length)


def _judge(gate: Gate, request: HttpRequest) -> Admission | HttpResponse:
    judged = gate.judge(DjangoRequest(request))
    if isinstance(judged, Refusal):
        return HttpResponse(judged.body, status=judged.status, headers=judged.headers)
    return judged


def _decorate(response: Any, admission: Admission) -> Any:
    # That of the view itself comes first, and stays.
    admission.add_to(response.headers)
    return response

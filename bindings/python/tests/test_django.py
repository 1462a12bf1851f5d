"""Django's own ways, beside ours."""

from __future__ import annotations

import asyncio
import functools
import io
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from django.utils.decorators import method_decorator
from django.views import View

from tidegate import Limiter, ManualClock
from tidegate.django import DjangoRequest, RateLimitMiddleware, rate_limit
from tidegate.http import header

if TYPE_CHECKING:
    from collections.abc import Callable

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"])
    django.setup()

LIMITER = Limiter("9/minute", clock=ManualClock(1_000.0))
COST = 3


def of(clock: ManualClock, policy: str = "2/minute") -> Limiter:
    return Limiter(policy, clock=clock)


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


async def hello_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def ask(view: Any, **headers: str) -> Any:
    """The answer of a view, plain or async, or of a middleware around it."""
    if asyncio.iscoroutinefunction(view):
        return asyncio.run(view(AsyncRequestFactory().get("/", headers=headers)))
    return view(RequestFactory().get("/", headers=headers))


@pytest.fixture(params=[hello, hello_async])
def view(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_settings(view: Any, clock: ManualClock) -> None:
    with override_settings(TIDEGATE={"limiter": of(clock), "key": header("x-user")}):
        around = RateLimitMiddleware(view)
    assert [ask(around, x_user=user).status_code for user in "aaba"] == [200, 200, 200, 429]


def user_of(request: Any) -> str | None:
    return request.header("x-user")  # type: ignore[no-any-return]


def test_settings_by_path() -> None:
    paths = {"limiter": f"{__name__}.LIMITER", "key": f"{__name__}.user_of", "cost": f"{__name__}.COST"}
    with override_settings(TIDEGATE=paths):
        answer = ask(RateLimitMiddleware(hello), x_user="by path")
    assert answer.headers["X-RateLimit-Remaining"] == "6"
    assert LIMITER.peek("by path").remaining == 6


@pytest.mark.parametrize("options", [None, {}, {"key": header("x-user")}])
def test_settings_without_a_limiter(options: dict[str, Any] | None) -> None:
    with override_settings(TIDEGATE=options or {}):
        if options is None:
            del settings.TIDEGATE
        with pytest.raises(ImproperlyConfigured, match=r"settings.TIDEGATE wants a limiter"):
            RateLimitMiddleware(hello)


def test_a_view_s_limit_within_the_middleware_s(view: Any, clock: ManualClock) -> None:
    with override_settings(TIDEGATE={"limiter": of(clock, "9/minute"), "expose_headers": True}):
        around = RateLimitMiddleware(
            rate_limit(of(clock), style="x-ratelimit, ietf", expose_headers=True)(view)
        )
    answers = [ask(around) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Limit"] for answer in answers] == ["2", "2", "2"]
    assert answers[0].headers["RateLimit"] == '"minute";r=1;t=60'
    exposed = answers[0].headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-RateLimit-Limit", "RateLimit", "Retry-After"} < {*exposed}


def test_views_that_are_classes(clock: ManualClock) -> None:
    @method_decorator(rate_limit(of(clock)), name="dispatch")
    class Plain(View):
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("hello")

    assert [ask(Plain.as_view()).status_code for _ in range(3)] == [200, 200, 429]


def uncached(view: Any) -> Any:
    """Another's decorator, which knows nothing of coroutines."""

    @functools.wraps(view)
    def called(*args: Any, **words: Any) -> Any:
        return view(*args, **words)

    return called


@pytest.mark.parametrize("others", [[], [uncached]])
def test_classes_of_async_views(clock: ManualClock, others: list[Any]) -> None:
    """Plain functions call their handlers; what these give, and a denial in their place, is awaited."""

    @method_decorator([rate_limit(of(clock, "3/minute")), rate_limit(of(clock)), *others], name="dispatch")
    class Async(View):
        async def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(self.plain(request).headers["X-RateLimit-Limit"])

        @method_decorator(rate_limit(of(clock, "9/minute")))
        def plain(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("plain")

    view = Async.as_view()
    factory = AsyncRequestFactory()
    asked = [asyncio.run(view(factory.generic(method, "/"))) for method in ("GET", "PUT", "GET")]
    assert [answer.status_code for answer in asked] == [200, 405, 429]
    assert (asked[0].content, asked[0].headers["X-RateLimit-Remaining"]) == (b"9", "1")


def test_functions_see_what_django_knows(view: Any, clock: ManualClock) -> None:
    def known(request: HttpRequest) -> Any:
        request.user = "alice"  # type: ignore[assignment]
        return limited(request)

    async def known_async(request: HttpRequest) -> Any:
        request.user = "alice"  # type: ignore[assignment]
        return await limited(request)

    limiter = of(clock)
    limited: Callable[..., Any] = rate_limit(limiter, key=lambda request: request.raw.user)(view)
    assert ask(known if view is hello else known_async).headers["X-RateLimit-Remaining"] == "1"
    assert limiter.peek("alice").remaining == 1


@pytest.mark.parametrize("factory", [RequestFactory(), AsyncRequestFactory()])
def test_a_request(factory: Any) -> None:
    posted = factory.post("/a b", b"12345", content_type="text/plain", headers={"x-user": "alice"})
    request = DjangoRequest(posted)
    assert (request.method, request.path, request.peer) == ("POST", "/a b", "127.0.0.1")
    assert request.raw is posted
    assert request.header("content-length") == "5"
    assert request.header("x-user") == "alice"
    assert request.header("x-absent") is None


@pytest.mark.parametrize("body", [b"", b"12345"])
def test_a_body_of_django_s_test_client(view: Any, clock: ManualClock, body: bytes) -> None:
    """Under ASGI it is one that cannot be sought, and without a body it has no length either."""
    limited = rate_limit(of(clock), max_body=4)(view)
    ask_by = asyncio.run if view is hello_async else lambda answer: answer
    factory = AsyncRequestFactory()
    request = factory.post("/", body, content_type="text/plain") if body else factory.get("/")
    assert ask_by(limited(request)).status_code == (413 if body else 200)


def test_a_body_longer_than_declared(clock: ManualClock) -> None:
    """In chunks, which make its Content-Length void: Django has read all of it."""
    scope = AsyncRequestFactory()._base_scope(method="POST", path="/")
    scope["headers"] += [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")]
    limited = rate_limit(of(clock), max_body=10)(hello)
    answers = [limited(ASGIRequest(scope, io.BytesIO(b"x" * size))) for size in (11, 10)]
    assert [answer.status_code for answer in answers] == [413, 200]
    assert answers[1].headers["X-RateLimit-Remaining"] == "1"


def test_a_path_is_decoded_once() -> None:
    # Django's own factory decodes it in another way.
    posted = AsyncRequestFactory().get("/\u00fc")
    assert DjangoRequest(posted).path == posted.path == "/\u00c3\u00bc"
    assert DjangoRequest(RequestFactory().get("/\u00fc")).path == "/\u00fc"

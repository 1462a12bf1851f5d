"""What all frameworks share: whose request it is, what it costs, and what is answered.

A middleware takes these options, whatever the framework:

limiter:
    A `Limiter`; or a function of the request that gives one (a tier), or None to let it pass uncounted.
key:
    What a request is counted by: `api_key`, `header`, `client_address`, `first_of` these, or a function
    of the request. A request that shows no key, or one of more than 65,536 bytes, is counted by the
    address of the other end of the connection, so that nobody escapes by leaving the key away. By default
    `client_address()`.
cost:
    A number or a function of the request; an int, or a dict by the names of limits. 0, also for
    every limit, is not counted.
exempt:
    Paths that pass uncounted (whole and decoded; one that ends in ``/`` stands for all below it too), and
    functions of the request that say so. A path that routers may read as another, such as
    ``/orders/../health``, is never exempt: one with ``.``, ``..`` or nothing between two ``/``, with ``\\``,
    or an encoded ``/`` or ``%``.
style:
    ``"x-ratelimit"``, ``"ietf"``, ``"ietf-06"``, or several with ``,`` between them.
expose_headers:
    Adds ``Access-Control-Expose-Headers``, so that scripts of other origins can read the headers.
max_body:
    The largest request body in bytes; by default the policy's. Beyond it 413, which costs nothing.
retry_jitter:
    Makes ``Retry-After`` longer by 0 to so many whole seconds, at random, against herds.
fail_open:
    Lets requests pass when a limiter cannot be had (an `OSError`, as of a segment that is opened for a
    request), instead of answering 503. Either way the logger ``tidegate`` is told the error. What a check
    says when a shared table is held up is told by the limiter's ``on_unavailable``.

An option that cannot be used, such as a cost that the limiter never admits, is an `InvalidError` or a
`TypeError` when the middleware is made.

CORS preflights are neither counted nor decorated. Functions get a `Request`, and are plain ones, not
``async``; what they raise, or give that is no key or cost, is a fault of the application like any other.
"""

from __future__ import annotations

import json
import logging
import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from . import _options, _tidegate
from ._tidegate import Admission as Admission
from ._tidegate import ASGIRequest as ASGIRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from typing_extensions import Self

    from ._limiter import Limiter
    from ._tidegate import Body, Decision

    Cost = int | dict[str, int]

_log = logging.getLogger("tidegate")


class Request(Protocol):
    """What is known of a request, whatever the framework.

    ``raw`` is what the framework has: the scope under ASGI and FastAPI, the environ under WSGI and
    Flask, Django's ``HttpRequest``.
    """

    __slots__ = ()

    @property
    def raw(self) -> Any:
        """What the framework has."""
        ...

    @property
    def method(self) -> str:
        """``GET``, ``POST`` and so on."""
        ...

    @property
    def path(self) -> str:
        """The whole path, decoded: ``/reports/7``."""
        ...

    @property
    def has_encoded_slash(self) -> bool:
        """Whether a ``/`` of the path came as ``%2F``: routers that read what was sent see none there."""
        ...

    @property
    def peer(self) -> str | None:
        """The address of the other end of the connection; None for a Unix socket."""
        ...

    def lines(self, name: str) -> list[str | bytes]:
        """The values of all lines of a header; its name in lower case."""
        ...

    def header(self, name: str) -> str | None:
        """The value of a header, several lines joined; its name in lower case."""
        ...


class WSGIRequest(Request):
    """A request by its WSGI environ."""

    __slots__ = ("_environ", "method", "peer", "raw")
    #: Nobody under WSGI sees what was sent.
    has_encoded_slash = False

    def __init__(self, environ: Any, raw: Any = None) -> None:
        self._environ = environ
        self.raw: Any = environ if raw is None else raw
        self.method: str = environ["REQUEST_METHOD"]
        self.peer: str | None = environ.get("REMOTE_ADDR") or None

    @property
    def path(self) -> str:
        path: str = self._environ.get("SCRIPT_NAME", "") + self._environ.get("PATH_INFO", "")
        try:
            return path.encode("latin-1").decode()
        except UnicodeError:
            return path

    def lines(self, name: str) -> list[str | bytes]:
        value = self.header(name)
        return [] if value is None else [value]

    def header(self, name: str) -> str | None:
        variable = name.upper().replace("-", "_")
        if variable in ("CONTENT_LENGTH", "CONTENT_TYPE"):
            # CGI's own variables, which may be empty where there is no such header.
            return self._environ.get(variable) or None
        return self._environ.get(f"HTTP_{variable}")  # type: ignore[no-any-return]


def api_key() -> Callable[[Request], str | None]:
    """Counts by the API key: the token of ``Authorization: Bearer …``, else ``X-API-Key``.

    The key is not verified here: count by it behind what does, or beside a limit by address.
    """

    def key(request: Request) -> str | None:
        return _tidegate.api_key(request.header("authorization"), request.header("x-api-key"))

    return key


def header(name: str) -> Callable[[Request], str | None]:
    """Counts by the value of a header, such as one that an authenticating proxy sets."""
    lower = name.lower()
    return lambda request: request.header(lower)


def client_address(
    trusted: str = "", *, forwarded: str = "X-Forwarded-For", ipv6_prefix: int = 64
) -> Callable[[Request], str | None]:
    """Counts by the client's address, an IPv6 one by its network.

    ``trusted`` are the proxies that are believed about whom they answer in the header ``forwarded``
    (``X-Forwarded-For`` or ``Forwarded``): ``"10.0.0.0/8, 2001:db8::1"``. Without any the client is the
    other end of the connection.
    """
    return _tidegate.Proxies(trusted, header=forwarded, ipv6_prefix=ipv6_prefix)


def first_of(*keys: Callable[[Request], str | bytes | None]) -> Callable[[Request], str | bytes | None]:
    """Counts by the first of these that a request shows."""
    for one in keys:
        _options.check_function("first_of", one)

    def key(request: Request) -> str | bytes | None:
        return next((found for found in (key(request) for key in keys) if found), None)

    return key


class ContentTooLarge(Exception):  # noqa: N818, the name of the status
    """A request's body without a declared length has grown past its limit."""


class Refusal:
    """A request that has been answered."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: Body, headers: Mapping[str, str]) -> None:
        self.status = body.status
        self.body = body.text.encode()
        self.headers = {
            **headers,
            "Content-Type": body.content_type,
            "Content-Length": str(len(self.body)),
            "Cache-Control": body.cache_control,
        }

    @property
    def reason(self) -> str:
        """The status as WSGI wants it: ``429 Too Many Requests``."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """As ASGI wants them."""
        return [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]


class Gate(_tidegate.Gate):
    """Decides about requests, whatever the framework. The module says what the options mean."""

    __slots__ = ("_exempt", "_fail_open", "_jitter", "_paths")
    _paths: tuple[str, ...]
    _exempt: tuple[Callable[[Request], bool], ...]
    _jitter: int
    _fail_open: bool

    def __new__(
        cls,
        limiter: Limiter | Callable[[Request], Limiter | None],
        *,
        key: Callable[[Request], str | bytes | None] | None = None,
        cost: Cost | Callable[[Request], Cost] = 1,
        exempt: Iterable[str | Callable[[Request], bool]] = (),
        style: str = "x-ratelimit",
        expose_headers: bool = False,
        max_body: int | None = None,
        retry_jitter: int = 0,
        fail_open: bool = False,
    ) -> Self:
        key = client_address() if key is None else key
        _options.check_functions(limiter, key, cost)
        paths, functions = _options.exempt(exempt)
        self = super().__new__(
            cls,
            limiter,
            key=key,
            cost=cost,
            has_exempt=bool(paths or functions),
            style=style,
            expose_headers=_options.yes_or_no("expose_headers", expose_headers),
            max_body=None if max_body is None else _options.whole("max_body", max_body),
        )
        self._paths = paths
        self._exempt = functions
        self._jitter = _options.whole("retry_jitter", retry_jitter)
        self._fail_open = _options.yes_or_no("fail_open", fail_open)
        return self

    def _is_free(self, request: Request) -> bool:
        if request.method == "OPTIONS" and _is_preflight(request):
            return True
        if self._paths and _is_below(request.path, self._paths) and not _is_ambiguous(request):
            return True
        return any(_options.answered("exempt", exempt(request)) for exempt in self._exempt)

    def _too_large(self, most: int) -> Refusal:
        return Refusal(_tidegate.content_too_large(most), {})

    def _never(self) -> Refusal:
        return _said(HTTPStatus.BAD_REQUEST, "The request costs more than its quota ever admits.")

    def _undecided(self, admission: Admission, error: OSError) -> Admission | Refusal:
        # It may as well be the application's own: a file that a limiter function hasn't found.
        then = "passes uncounted" if self._fail_open else "is answered with 503"
        _log.error("no limiter can be had, so the request %s: %s", then, error, exc_info=error)
        if self._fail_open:
            return admission
        return _said(HTTPStatus.SERVICE_UNAVAILABLE, "Rate limits can't be checked at the moment.")

    def _refuse(self, request: Request, decision: Decision) -> Refusal:
        seconds = decision.retry_after_seconds or 1
        if self._jitter:
            seconds = _tidegate.jittered(seconds, self._jitter, random.getrandbits(64))
        asks_for_problem = _tidegate.accepts_problem(request.header("accept") or "")
        body = (decision.problem_body() if asks_for_problem else None) or _tidegate.rate_limited(seconds)
        return Refusal(body, self.headers(decision, seconds))


def _is_preflight(request: Request) -> bool:
    """What Fetch calls a CORS-preflight request: a browser's question, not a request."""
    return (
        request.header("origin") is not None and request.header("access-control-request-method") is not None
    )


def _is_below(path: str, exempt: tuple[str, ...]) -> bool:
    return any(path == rule or (rule.endswith("/") and f"{path}/".startswith(rule)) for rule in exempt)


def _is_ambiguous(request: Request) -> bool:
    return request.has_encoded_slash or _options.AMBIGUOUS.search(request.path) is not None


def _said(status: HTTPStatus, message: str) -> Refusal:
    """An answer in the shape of the others."""
    text = json.dumps({"message": message, "status": "error"}, separators=(",", ":"))
    refusal = Refusal(_tidegate.rate_limited(1), {})
    refusal.status, refusal.body = int(status), text.encode()
    refusal.headers["Content-Length"] = str(len(refusal.body))
    return refusal

"""What all frameworks share: whose request it is, what it costs, and what is answered.

A middleware takes these options, whatever the framework:

limiter:
    A `Limiter`; or a function of the request that gives one (a tier), or None to let it pass uncounted.
key:
    What a request is counted by: `api_key`, `header`, `client_address`, `first_of` these, or a function
    of the request. A request that shows no key is counted by the address of the other end of the
    connection, so that nobody escapes by leaving the key away. By default `client_address()`.
cost:
    A number or a function of the request; an int, or a dict by the names of limits. 0 is not counted.
exempt:
    Paths that pass uncounted (one that ends in ``/`` stands for all below it too), and functions of the
    request that say so.
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
    request), instead of answering 503. What a check says when a shared table is held up is told by the
    limiter's ``on_unavailable``.

CORS preflights are neither counted nor decorated. Functions get a `Request`; what they raise, or give
that is no key or cost, is a fault of the application like any other.
"""

from __future__ import annotations

import json
import posixpath
import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from . import _tidegate
from ._errors import CostAboveQuotaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ._limiter import Limiter
    from ._tidegate import Body, Decision

    Cost = int | dict[str, int]


EXPOSE = "Access-Control-Expose-Headers"


class Request(Protocol):
    """What is known of a request, whatever the framework.

    ``raw`` is what the framework has: the scope under ASGI and FastAPI, the environ under WSGI and
    Flask, Django's ``HttpRequest``.
    """

    __slots__ = ()
    raw: Any

    @property
    def method(self) -> str:
        """``GET``, ``POST`` and so on."""
        ...

    @property
    def path(self) -> str:
        """The whole path, decoded: ``/reports/7``."""
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


class ASGIRequest(Request):
    """A request by its ASGI scope."""

    __slots__ = ("raw",)

    def __init__(self, scope: Any) -> None:
        self.raw = scope

    @property
    def method(self) -> str:
        return self.raw["method"]  # type: ignore[no-any-return]

    @property
    def path(self) -> str:
        return self.raw["path"]  # type: ignore[no-any-return]

    @property
    def peer(self) -> str | None:
        client = self.raw.get("client")
        return client[0] if client else None

    def lines(self, name: str) -> list[str | bytes]:
        wanted = name.encode()
        return [value for known, value in self.raw["headers"] if known == wanted]

    def header(self, name: str) -> str | None:
        lines = self.lines(name)
        return b", ".join(lines).decode("latin-1") if lines else None  # type: ignore[arg-type]


class WSGIRequest(Request):
    """A request by its WSGI environ."""

    __slots__ = ("_environ", "raw")

    def __init__(self, environ: Any, raw: Any = None) -> None:
        self._environ = environ
        self.raw = environ if raw is None else raw

    @property
    def method(self) -> str:
        return self._environ["REQUEST_METHOD"]  # type: ignore[no-any-return]

    @property
    def path(self) -> str:
        path: str = self._environ.get("SCRIPT_NAME", "") + self._environ.get("PATH_INFO", "")
        try:
            return path.encode("latin-1").decode()
        except UnicodeError:
            return path

    @property
    def peer(self) -> str | None:
        return self._environ.get("REMOTE_ADDR") or None

    def lines(self, name: str) -> list[str | bytes]:
        value = self.header(name)
        return [] if value is None else [value]

    def header(self, name: str) -> str | None:
        variable = name.upper().replace("-", "_")
        return self._environ.get(variable if variable == "CONTENT_LENGTH" else f"HTTP_{variable}")  # type: ignore[no-any-return]


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
    proxies = _tidegate.Proxies(trusted, header=forwarded, ipv6_prefix=ipv6_prefix)
    lower = forwarded.lower() if trusted else ""

    def key(request: Request) -> str | None:
        peer = request.peer
        if peer is None:
            return None
        try:
            return proxies.key(peer, request.lines(lower) if lower else ())
        except ValueError:
            return None  # a server that gives a name instead of an address

    return key


def first_of(*keys: Callable[[Request], str | bytes | None]) -> Callable[[Request], str | bytes | None]:
    """Counts by the first of these that a request shows."""

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


class Admission:
    """A request to pass on, with what its response shall say."""

    __slots__ = ("_cost", "_gate", "_key", "_limiter", "decision", "max_body")
    #: What was taken, and from whom, once there is a decision.
    _limiter: Limiter
    _key: str | bytes
    _cost: Cost

    def __init__(self, gate: Gate, max_body: int | None) -> None:
        self._gate = gate
        self.decision: Decision | None = None
        self.max_body = max_body

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """As ASGI wants them; none for what is not counted."""
        if self.decision is None:
            return []
        headers = self.decision.raw_headers(self._gate.style)
        if self._gate.exposed:
            headers.append((b"access-control-expose-headers", self._gate.exposed.encode()))
        return headers

    def headers(self) -> dict[str, str]:
        """By their names, in their order; none for what is not counted."""
        return {} if self.decision is None else self._gate.headers(self.decision)

    def add_to(self, headers: Any) -> None:
        """Adds what a response's headers have not got; what it exposes itself stays exposed."""
        for name, value in self.headers().items():
            if name not in headers:
                headers[name] = value
            elif name == EXPOSE and value not in headers[name]:
                headers[name] = f"{headers[name]}, {value}"

    def refund(self) -> None:
        """Gives back what was taken, once: the request has come to nothing."""
        if self.decision is not None:
            self._limiter.refund(self._key, self._cost)
            self.decision = None

    def too_large(self) -> Refusal:
        """The answer to a body that has outgrown its limit; the cost is given back."""
        self.refund()
        return Refusal(_tidegate.content_too_large(self.max_body or 0), {})


class Gate:
    """Decides about requests, whatever the framework. The module says what the options mean."""

    def __init__(
        self,
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
    ) -> None:
        self._limiter = limiter
        self._key = key or client_address()
        self._cost = cost
        rules = (exempt,) if isinstance(exempt, str) else tuple(exempt)
        self._paths = tuple(rule for rule in rules if isinstance(rule, str))
        self._exempt = tuple(rule for rule in rules if not isinstance(rule, str))
        self.style = style
        # A wrong style is found here, not by the first request.
        exposed = _tidegate.exposed_headers(style)
        self.exposed = exposed if expose_headers else ""
        self._max_body = max_body
        self._jitter = retry_jitter
        self._fail_open = fail_open

    def judge(self, request: Request) -> Admission | Refusal:
        """Passes a request on, or answers it."""
        if self._is_free(request):
            return Admission(self, None)
        try:
            limiter = self._limiter(request) if callable(self._limiter) else self._limiter
        except OSError:
            return self._undecided(Admission(self, self._max_body))
        if limiter is None:
            return Admission(self, self._max_body)
        admission = Admission(self, limiter._max_body if self._max_body is None else self._max_body)
        if admission.max_body is not None and _content_length(request) > admission.max_body:
            return admission.too_large()
        cost = self._cost(request) if callable(self._cost) else self._cost
        if cost == 0:
            return admission
        admission._limiter, admission._key, admission._cost = limiter, self._key_of(request), cost
        return self._decide(request, admission)

    def _decide(self, request: Request, admission: Admission) -> Admission | Refusal:
        try:
            decision = admission._limiter.check(admission._key, admission._cost)
        except CostAboveQuotaError:
            return _said(HTTPStatus.BAD_REQUEST, "The request costs more than its quota ever admits.")
        except OSError:
            return self._undecided(admission)
        if decision:
            admission.decision = decision
            return admission
        return self._refuse(request, decision)

    def _undecided(self, admission: Admission) -> Admission | Refusal:
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

    def headers(self, decision: Decision, retry_after: int | None = None) -> dict[str, str]:
        """What a response says of a decision; ``retry_after`` seconds if that is longer than it must be."""
        headers = decision.headers(self.style, retry_after=retry_after)
        if self.exposed:
            headers[EXPOSE] = self.exposed
        return headers

    def _key_of(self, request: Request) -> str | bytes:
        key = self._key(request)
        try:
            if key and len(key) <= _MOST_CHARACTERS:
                return key
        except TypeError:
            raise TypeError(f"a key function gives str, bytes or None, not {type(key).__name__}") from None
        return _nobody_trusted(request) or "unix"

    def _is_free(self, request: Request) -> bool:
        if request.method == "OPTIONS" and _is_preflight(request):
            return True
        if self._paths and _is_below(request.path, self._paths):
            return True
        # Most have none, and a generator has its price.
        return bool(self._exempt) and any(exempt(request) for exempt in self._exempt)


_nobody_trusted = client_address()
_MOST_CHARACTERS = _tidegate.MAX_KEY_BYTES // 4  # of up to four bytes each


def _is_preflight(request: Request) -> bool:
    """What Fetch calls a CORS-preflight request: a browser's question, not a request."""
    return (
        request.header("origin") is not None and request.header("access-control-request-method") is not None
    )


def _is_below(path: str, exempt: tuple[str, ...]) -> bool:
    # A router may read /static/../orders as /orders, so no more is exempt than that is.
    clean = posixpath.normpath("/" + path.lstrip("/"))
    return any(clean == rule or (rule.endswith("/") and f"{clean}/".startswith(rule)) for rule in exempt)


def _content_length(request: Request) -> int:
    """The declared length of the body; 0 if there is none."""
    declared = request.header("content-length")
    return int(declared) if declared is not None and declared.isdecimal() else 0


def _said(status: HTTPStatus, message: str) -> Refusal:
    """An answer in the shape of the others."""
    text = json.dumps({"message": message, "status": "error"}, separators=(",", ":"))
    refusal = Refusal(_tidegate.rate_limited(1), {})
    refusal.status, refusal.body = int(status), text.encode()
    refusal.headers["Content-Length"] = str(len(refusal.body))
    return refusal

"""A Flask extension.

    limits = RateLimit(Limiter("100/minute", segment="/dev/shm/api"))
    limits.init_app(app)

    @app.get("/reports")
    @limits.limit(Limiter("10/minute"))
    def reports(): ...

    @app.get("/health")
    @limits.exempt
    def health(): ...

`tidegate.http` tells the options.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, TypeVar

import flask
from werkzeug.exceptions import RequestEntityTooLarge

from ._tidegate import declares_length
from .http import Gate, Refusal, WSGIRequest
from .wsgi import BoundedBody

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from ._limiter import Limiter
    from ._typing import Options
    from .http import Admission, Request

F = TypeVar("F", bound="Callable[..., Any]")


class RateLimit:
    """Puts a limiter before an application's routes. `tidegate.http` says what the options mean.

    Args:
        limiter: Before all routes; None for those alone that have a limit of their own.
        app: The application, if it is there already.
    """

    def __init__(
        self,
        limiter: Limiter | Callable[[Request], Limiter | None] | None = None,
        app: flask.Flask | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._options = options
        self._gate = None if limiter is None else Gate(limiter, **options)
        self._exempt: set[Any] = set()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: flask.Flask) -> None:
        """Puts it before an application, once; before several, one after the other."""
        extensions: list[RateLimit] = app.extensions.setdefault("tidegate", [])
        if self in extensions:
            return
        extensions.append(self)
        app.before_request(self._before)
        app.after_request(self._after)

    def exempt(self, view: F) -> F:
        """A route that the application's limiter doesn't count, whatever decorators stand above."""
        self._exempt.add(view)
        return view

    def limit(
        self, limiter: Limiter | Callable[[Request], Limiter | None], **options: Unpack[Options]
    ) -> Callable[[F], F]:
        """A limit of one route, beside the application's; options are those of the extension, or given."""
        given: Options = {**self._options, **options}
        gate = Gate(limiter, **given)

        def decorate(view: F) -> F:
            @functools.wraps(view)
            def limited(*args: Any, **kwargs: Any) -> Any:
                answer = _judge(gate)
                return flask.current_app.ensure_sync(view)(*args, **kwargs) if answer is None else answer

            return limited  # type: ignore[return-value]

        return decorate

    def _before(self) -> flask.Response | None:
        return None if self._gate is None or self._is_exempt() else _judge(self._gate)

    def _is_exempt(self) -> bool:
        view = flask.current_app.view_functions.get(flask.request.endpoint or "")
        # What other decorators have made of it tells what is within.
        return inspect.unwrap(view, stop=self._exempt.__contains__) in self._exempt if view else False

    def _after(self, response: flask.Response) -> flask.Response:
        admissions = _admissions()
        cut = next((admission for admission, body in admissions if body is not None and body.is_over), None)
        if cut is not None:
            for admission, _ in admissions:
                admission.refund()
            return _response(cut.too_large())
        # That of the route itself comes first, and stays.
        for admission, _ in reversed(admissions):
            admission.add_to(response.headers)
        return response


def _admissions() -> list[tuple[Admission, BoundedBody | None]]:
    """Those of this request, each with the body that it bounds."""
    # Not in `flask.g`, which is the application context's: that may last for many requests.
    admissions: list[tuple[Admission, BoundedBody | None]] = vars(flask.request).setdefault("_tidegate", [])
    return admissions


def _judge(gate: Gate) -> flask.Response | None:
    environ, body = flask.request.environ, None
    request = WSGIRequest(environ)
    judged = gate.judge(request)
    if isinstance(judged, Refusal):
        return _response(judged)
    if judged.max_body is not None and not declares_length(request):
        # Flask's own error, so that reading on is answered with 413 and isn't logged as a fault.
        body = BoundedBody(environ["wsgi.input"], judged.max_body, RequestEntityTooLarge)
        environ["wsgi.input"] = body
    _admissions().append((judged, body))
    return None


def _response(refusal: Refusal) -> flask.Response:
    return flask.Response(refusal.body, refusal.status, refusal.headers)

"""Exact rate limits, decided in nanoseconds, shared by every process of a machine.

    >>> from tidegate import Limiter
    >>> limiter = Limiter("100/minute; 10/second token-bucket")
    >>> decision = limiter.check("api-key-1")
    >>> decision.allowed, decision.limit, decision.remaining
    (True, 100, 99)

Times are seconds as ``float``, costs whole units, keys ``str`` or ``bytes`` of 1 to 65,536 bytes (a
``str`` counts as its UTF-8). A denial is a result, not an error; errors are in the classes below
`Error`, each with a ``code`` that never changes.

``tidegate.asgi``, ``.wsgi``, ``.fastapi``, ``.flask``, ``.django`` put a limiter before an application;
none of them is imported by this module.
"""

import os

from ._clock import ManualClock
from ._errors import (
    CostAboveQuotaError,
    Error,
    ForkError,
    ForkWarning,
    InvalidError,
    NotationError,
    RateLimited,
    SegmentError,
    UnavailableError,
)
from ._limiter import Limiter
from ._tidegate import (
    MAX_KEY_BYTES,
    Body,
    Decision,
    Decisions,
    JointDecision,
    Limit,
    LimitStatus,
    Policy,
    PolicyFile,
    Proxies,
    __version__,
    _note_fork,
    accepts_problem,
    api_key,
    check_all,
    content_too_large,
    exposed_headers,
    rate_limited,
)

__all__ = [
    "MAX_KEY_BYTES",
    "Body",
    "CostAboveQuotaError",
    "Decision",
    "Decisions",
    "Error",
    "ForkError",
    "ForkWarning",
    "InvalidError",
    "JointDecision",
    "Limit",
    "LimitStatus",
    "Limiter",
    "ManualClock",
    "NotationError",
    "Policy",
    "PolicyFile",
    "Proxies",
    "RateLimited",
    "SegmentError",
    "UnavailableError",
    "__version__",
    "accepts_problem",
    "api_key",
    "check_all",
    "content_too_large",
    "exposed_headers",
    "rate_limited",
]

# So that a limiter of one process notices when it is used in another.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)

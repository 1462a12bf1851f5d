"""What can be wrong. Every class has the ``code`` of the core's error, the same in every language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._tidegate import Decision


class Error(Exception):
    """Of all errors of this package. A denied check is a `Decision`, never an error."""

    #: A short name of what is wrong, the same in every language and never changed.
    code: str = "error"


class InvalidError(Error, ValueError):
    """What was given cannot be used; the message says what, where, and what to do."""

    code = "options"


class NotationError(InvalidError):
    """A policy's notation cannot be read."""

    #: The whole text that was given.
    text: str
    #: The offending part: its byte offset in the UTF-8 of ``text``, and its length in bytes.
    at: int
    length: int


class CostAboveQuotaError(InvalidError):
    """A cost that can never be admitted. It is the caller's error, not a denial."""

    #: The name of the limit, the cost, and the most that one call may take.
    limit: str
    cost: int
    most: int


class SegmentError(Error, OSError):
    """A segment cannot be opened or made. Nothing about its file was changed."""

    #: The file; None for an anonymous segment.
    path: str | None


class UnavailableError(Error, OSError):
    """The table cannot be had: no memory, or a process was stopped while it wrote to a shared one."""


class ForkError(Error, RuntimeError):
    """A limiter that counts in one process alone is used in a child of it (``on_fork="raise"``)."""

    code = "fork"


class ForkWarning(RuntimeWarning):
    """A limiter that counts in one process alone is used in a child of it, and counts apart there."""


class RateLimited(Error):  # noqa: N818, what happened is no fault
    """A function under `Limiter.limit` was called beyond its limit, and has not run."""

    code = "rate-limited"

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision)
        #: What the limiter said.
        self.decision = decision

    @property
    def retry_after(self) -> float | None:
        """Seconds until the call can pass."""
        return self.decision.retry_after

    def __str__(self) -> str:
        violated = ", ".join(self.decision.violated)
        return f"rate limit exceeded ({violated}): try again in {self.retry_after} s"


_CLASSES: dict[str, type[Error]] = {
    "notation": NotationError,
    "cost-above-quota": CostAboveQuotaError,
    "memory": UnavailableError,
    "unavailable": UnavailableError,
}


def error(code: str, message: str, /, **details: Any) -> Error:
    """The exception for an error of the core."""
    general = SegmentError if code.startswith("segment-") else InvalidError
    made = _CLASSES.get(code, general)(message)
    made.code = code
    for name, value in details.items():
        setattr(made, name, value)
    return made
